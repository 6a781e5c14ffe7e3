/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/kit.h"

static double
apply(const struct lintel_linear *l, double value)
{
    return value * (double)l->num / (double)l->den + (double)l->offset_num / (double)l->offset_den;
}

static double
convert(const char *from, const char *to, double value)
{
    struct lintel_linear l = {0};
    const struct lintel_unit *a = lintel_unit_find(from), *b = lintel_unit_find(to);
    CHECK(a != NULL && b != NULL);
    if (a == NULL || b == NULL || lintel_unit_convert(a, b, &l) != 0)
        return NAN;
    return apply(&l, value);
}

static int
is_close(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

static void
knows_the_registries(void)
{
    /* RFC 8428 section 12.1 and RFC 8798 sections 2 and 3, written down again from the RFCs. */
    static const char *const symbols[] = {
        "m",     "kg",  "g",      "s",     "A",     "K",        "cd",    "mol",   "Hz",    "rad",
        "sr",    "N",   "Pa",     "J",     "W",     "C",        "V",     "F",     "Ohm",   "S",
        "Wb",    "T",   "H",      "Cel",   "lm",    "lx",       "Bq",    "Gy",    "Sv",    "kat",
        "m2",    "m3",  "l",      "m/s",   "m/s2",  "m3/s",     "l/s",   "W/m2",  "cd/m2", "bit",
        "bit/s", "lat", "lon",    "pH",    "dB",    "dBW",      "Bspl",  "count", "/",     "%",
        "%RH",   "%EL", "EL",     "1/s",   "1/min", "beat/min", "beats", "S/m",   "B",     "VA",
        "VAs",   "var", "vars",   "J/m",   "kg/m3", "deg",      "ms",    "min",   "h",     "MHz",
        "kW",    "kVA", "kvar",   "Ah",    "Wh",    "kWh",      "varh",  "kvarh", "kVAh",  "Wh/km",
        "KiB",   "GB",  "Mbit/s", "B/s",   "MB/s",  "mV",       "mA",    "dBm",   "ug/m3", "mm/h",
        "m/h",   "ppm", "/100",   "/1000", "hPa",   "mm",       "cm",    "km",    "km/h"};
    for (size_t i = 0; i < LINTEL_COUNT(symbols); i++) {
        const struct lintel_unit *u = lintel_unit_find(symbols[i]);
        if (!kit_check(u != NULL, symbols[i], __FILE__, __LINE__, __func__))
            continue;
        CHECK_STR(u->symbol, symbols[i]);
    }
    CHECK(lintel_unit_find("") == NULL);
    CHECK(lintel_unit_find("cel") == NULL);
}

static void
table_is_sound(void)
{
    uint32_t n = 0;
    for (const struct lintel_unit *u; (u = lintel_unit_at(n)) != NULL; n++) {
        const struct lintel_unit *primary = lintel_unit_find(u->primary);
        CHECK(lintel_unit_find(u->symbol) == u); /* none stands twice */
        REQUIRE(primary != NULL);
        CHECK_STR(primary->primary, primary->symbol); /* leads there in one step */
        CHECK(u->to_primary.den > 0 && u->to_primary.offset_den > 0 && u->to_primary.num > 0);
        CHECK(u->to_primary.num < 1LL << 53 && u->to_primary.den < 1LL << 53);
        if (u == primary)
            CHECK(u->to_primary.num == 1 && u->to_primary.den == 1 &&
                  u->to_primary.offset_num == 0);
        CHECK(u->name != NULL && u->name[0] != '\0');
    }
    CHECK(n > 150);
}

static void
converts(void)
{
    CHECK_REAL(convert("kWh", "J", 16), 57600000);
    CHECK_REAL(convert("K", "Cel", 273.15), 0);
    CHECK_REAL(convert("Cel", "K", 0), 273.15);
    CHECK(is_close(convert("degF", "Cel", 212), 100));
    CHECK(is_close(convert("degF", "K", 32), 273.15));
    CHECK(is_close(convert("K", "degF", 273.15), 32));
    CHECK_REAL(convert("%", "/", 50), 0.5);
    CHECK_REAL(convert("%", "/100", 50), 50);
    CHECK_REAL(convert("ppm", "%", 10000), 1);
    CHECK_REAL(convert("dBm", "dBW", 30), 0);
    CHECK_REAL(convert("m3/h", "l/min", 6), 100);
    CHECK_REAL(convert("l/h", "m3/s", 3600000), 1);
    CHECK_REAL(convert("bar", "mbar", 1), 1000);
    CHECK_REAL(convert("B", "bit", 2), 16);
    CHECK_REAL(convert("KiB", "bit", 1), 8192);
    CHECK_REAL(convert("kvarh", "varh", 1), 1000);
    CHECK(is_close(convert("psi", "Pa", 1), 6894.757293168361));
    CHECK(is_close(convert("psi", "inHg", 1), 2.0360206773177927));
    CHECK(is_close(convert("BTU/h", "W", 1), 0.29307107017222));
    CHECK(is_close(convert("TR", "kW", 1), 3.5168528420667));
    CHECK(is_close(convert("ft3/min", "m3/h", 1), 1.699010795520));
    CHECK(is_close(convert("gal/min", "l/min", 1), 3.785411784));
    CHECK(is_close(convert("kcal/h", "W", 1), 1.163));
    CHECK(is_close(convert("kcal", "J", 1), 4186.8));
    CHECK(is_close(convert("BTU", "J", 1), 1055.05585262));
    CHECK(is_close(convert("ft2", "m2", 1), 0.09290304));
    CHECK(is_close(convert("ft3", "m3", 1), 0.028316846592));
    CHECK(is_close(convert("mmHg", "Pa", 1), 133.322387415));
    struct lintel_linear l;
    CHECK_INT(lintel_unit_convert(lintel_unit_find("W"), lintel_unit_find("J"), &l), -1);
    CHECK_INT(lintel_unit_convert(lintel_unit_find("%RH"), lintel_unit_find("%"), &l), -1);
    CHECK_INT(lintel_unit_convert(lintel_unit_find("kWh"), lintel_unit_find("Wh"), &l), 0);
    CHECK(l.num == 1000 && l.den == 1 && l.offset_num == 0 && l.offset_den == 1);
    CHECK_INT(lintel_unit_convert(lintel_unit_find("degF"), lintel_unit_find("K"), &l), 0);
    CHECK(l.num == 5 && l.den == 9 && l.offset_num == 45967 && l.offset_den == 180);
}

/* Every pair: there and back is the same, by way of the primary unit is the same, and the fraction
 * is in bounds. */
static void
converts_every_pair(void)
{
    uint32_t pairs = 0;
    const struct lintel_unit *a, *b;
    for (uint32_t i = 0; (a = lintel_unit_at(i)) != NULL; i++) {
        for (uint32_t k = 0; (b = lintel_unit_at(k)) != NULL; k++) {
            struct lintel_linear there, back, direct;
            int failed = lintel_unit_convert(a, b, &there);
            CHECK_INT(lintel_unit_convert(b, a, &back), failed);
            if (failed)
                continue;
            pairs++;
            CHECK(there.den > 0 && there.offset_den > 0 && there.num > 0);
            CHECK(there.num <= 1LL << 53 && there.den <= 1LL << 53);
            CHECK(llabs(there.offset_num) <= 1LL << 53 && there.offset_den <= 1LL << 53);
            double value = (double)(kit_random() % 2000001) / 1000 - 1000;
            double result = apply(&there, value), again = apply(&back, result);
            /* An offset costs digits of what it is added to. */
            double size =
                fmax(fabs(value), fabs((double)back.offset_num / (double)back.offset_den));
            CHECK(fabs(again - value) <= 1e-12 * size);
            if (strcmp(a->primary, b->primary) == 0 && a->to_primary.offset_num == 0 &&
                b->to_primary.offset_num == 0) {
                direct = b->to_primary;
                double primary = value * (double)a->to_primary.num / (double)a->to_primary.den;
                CHECK(is_close(result, primary * (double)direct.den / (double)direct.num));
            }
        }
    }
    CHECK(pairs > 900);
}

static void
guesses(void)
{
    CHECK_STR(lintel_unit_nearest("C"), "Cel");
    CHECK_STR(lintel_unit_nearest("\u00b0C"), "Cel");
    CHECK_STR(lintel_unit_nearest("Celsius"), "Cel");
    CHECK_STR(lintel_unit_nearest("kwh"), "kWh");
    CHECK_STR(lintel_unit_nearest("KW"), "kW");
    CHECK_STR(lintel_unit_nearest("kilowatt"), "kW");
    CHECK_STR(lintel_unit_nearest("m\u00b3/h"), "m3/h");
    CHECK_STR(lintel_unit_nearest("percent"), "%");
    CHECK_STR(lintel_unit_nearest("kkWh"), "kWh");
    CHECK_STR(lintel_unit_nearest("kilowat"), "kW");
    CHECK(lintel_unit_nearest("furlong") == NULL);
    CHECK(lintel_unit_nearest("") == NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(knows_the_registries), KIT(table_is_sound), KIT(converts),
        KIT(converts_every_pair),  KIT(guesses),        {0}};
    return kit_main("unit", tests, argc, argv);
}
