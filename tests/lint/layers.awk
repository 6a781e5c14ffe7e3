# Who includes whom: a folder of core/ includes itself and lower layers; plugins include lintel/*.h and their own folder.
# Rule 1 of docs/principles.md. Usage: awk -f layers.awk FILES
BEGIN {
    n = split("base model loop store trust directory bind engine plug kit serve daemon", names, " ")
    for (i = 1; i <= n; i++) rank[names[i]] = i
}
# Tests, fuzz targets, benchmarks and what only they link.
function support() { return FILENAME ~ /(_(test|fuzz|bench|kit|testhost|testwire|shot)|\/fake_[a-z]+)\.[ch]$/ }
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\""); target = quoted[2]
    split(FILENAME, here, "/"); split(target, there, "/")
    bad = ""
    if (support() && there[1] == "tests") next
    if (here[1] == "core" && here[2] == "include") {
        if (there[1] != "lintel") bad = "public headers include only lintel/*.h"
    } else if (here[1] == "core") {
        if (there[1] == "core" && rank[there[2]] > rank[here[2]])
            bad = "core/" here[2] " is below core/" there[2]
        else if (there[1] != "core" && there[1] != "lintel" && target != "config.h")
            bad = "include paths start at the root of the tree: \"core/..\" or \"lintel/..\""
    } else if (here[1] == "plugins") {
        if (!(there[1] == "lintel" || (there[1] == "plugins" && there[2] == here[2]) || target !~ /\//))
            bad = "a plugin includes lintel/*.h and its own folder"
        if (support()) bad = ""
    }
    if (bad != "") { printf "%s:%d: \"%s\": %s\n", FILENAME, FNR, target, bad; failed = 1 }
}
END { exit failed }
