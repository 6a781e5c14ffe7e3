# Circles of includes: none may cross a folder, none may be longer than three files.
# Rule 2 of docs/principles.md. Usage: awk -f circles.awk FILES (.c and .h of one stem count as one)
function stem(path) { sub(/_(priv)?\.[ch]$/, "", path); sub(/\.[ch]$/, "", path); return path }
function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
/^[ \t]*#[ \t]*include[ \t]*"core\// {
    split($0, quoted, "\"")
    from = stem(FILENAME); to = stem(quoted[2])
    if (from != to) { edge[from, to] = 1; node[from] = node[to] = 1 }
}
# Drops the files that are in no circle: whom no other includes, or who includes none.
function peel(    s, t, in_, out, dropped) {
    do {
        dropped = 0
        for (s in node) {
            in_ = out = 0
            for (t in node) { in_ += (t, s) in edge; out += (s, t) in edge }
            if (!in_ || !out) { delete node[s]; dropped = 1; break }
        }
    } while (dropped)
}
function walk(at, start, depth, path,    next_) {
    for (next_ in node) {
        if (!((at, next_) in edge)) continue
        if (next_ == start) {
            if (depth > 3 || crosses(path)) {
                printf "circle of includes: %s -> %s\n", path, start; failed = 1
            }
        } else if (index(" " path " ", " " next_ " ") == 0 && next_ > start)
            walk(next_, start, depth + 1, path " -> " next_)
    }
}
function crosses(path,    parts, k, i) {
    k = split(path, parts, " -> ")
    for (i = 2; i <= k; i++) if (folder(parts[i]) != folder(parts[1])) return 1
    return 0
}
END { peel(); for (s in node) walk(s, s, 1, s); exit failed }
