// SPDX-License-Identifier: Apache-2.0
// A consumer of the Web of Things: it is given the URI of a Thing Description, and uses the thing by the names that stand there.
// Usage: node consumer.js COMMAND URI [NAME [VALUE]], in a folder with node_modules. One JSON value a line on standard output.
"use strict";
const path = require("path");
const from = (name) => require(require.resolve(name, { paths: [process.cwd()] }));

process.env.DEBUG = process.env.DEBUG || "";
const { Servient } = from("@node-wot/core");
const { CoapClientFactory } = from("@node-wot/binding-coap");

function validator(name) {
    const Ajv = from("ajv");
    const ajv = new Ajv({ strict: false, allErrors: true });
    from("ajv-formats")(ajv);
    return ajv.compile(from(name));
}

const say = (value) => console.log(JSON.stringify(value));

async function main() {
    const [command, uri, name, value] = process.argv.slice(2);
    const servient = new Servient();
    servient.addClientFactory(new CoapClientFactory());
    const wot = await servient.start();
    const td = await wot.requestThingDescription(uri);
    const check = validator("wot-thing-description-types/schema/td-json-schema-validation.json");
    const values = (n) =>
        new Promise((resolve, reject) => {
            const got = [];
            setTimeout(() => reject(new Error("only " + JSON.stringify(got) + " came")), 20000);
            resolve.take = (v) => (got.push(v), got.length >= n && resolve(got));
            values.take = resolve.take;
        });
    switch (command) {
        case "validate":
            if (!check(td)) throw new Error(JSON.stringify(check.errors, null, 1));
            say({ title: td.title, properties: Object.keys(td.properties || {}), actions: Object.keys(td.actions || {}),
                  events: Object.keys(td.events || {}) });
            break;
        case "models": { // its Thing Model, found by the link of type "type"
            const link = td.links.find((l) => l.rel === "type");
            const coap = from("coap");
            const target = new URL(link.href);
            const request = coap.request({ hostname: target.hostname.replace(/[[\]]/g, ""), port: target.port || 5683,
                                           pathname: target.pathname, options: {} });
            coap.registerFormat("application/tm+json", 433);
            request.setOption("Accept", "application/tm+json");
            const text = await new Promise((resolve, reject) => {
                request.on("response", (r) => resolve(r.payload.toString()));
                request.on("error", reject);
                request.end();
            });
            const checkModel = validator("wot-thing-model-types/schema/tm-json-schema-validation.json");
            const tm = JSON.parse(text);
            if (!checkModel(tm)) throw new Error(JSON.stringify(checkModel.errors, null, 1));
            say({ type: tm["@type"], title: tm.title });
            break;
        }
        case "read": {
            const thing = await wot.consume(td);
            say(await (await thing.readProperty(name)).value());
            break;
        }
        case "write": {
            const thing = await wot.consume(td);
            await thing.writeProperty(name, JSON.parse(value));
            say(await (await thing.readProperty(name)).value());
            break;
        }
        case "observe": {
            const thing = await wot.consume(td);
            const all = values(2);
            await thing.observeProperty(name, async (output) => values.take(await output.value()));
            say(await all);
            break;
        }
        case "invoke": {
            const thing = await wot.consume(td);
            const output = await thing.invokeAction(name, value === undefined ? undefined : JSON.parse(value));
            say(output === undefined ? null : ((await output.value().catch(() => null)) ?? null));
            break;
        }
        case "subscribe": {
            const thing = await wot.consume(td);
            const all = values(1);
            await thing.subscribeEvent(name, async (output) => values.take(await output.value()));
            say(await all);
            break;
        }
        default:
            throw new Error("no command " + command);
    }
}

main().then(() => process.exit(0), (e) => (console.error(e.message || e), process.exit(1)));
