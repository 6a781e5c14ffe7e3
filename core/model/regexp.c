/* SPDX-License-Identifier: Apache-2.0
 * A parser makes a tree, an emitter unrolls it into a small program, and a machine runs all its
 * threads side by side over the text (K. Thompson, CACM 11(6), 1968; with captures as R. Pike did
 * them in sam): each instruction runs at most once a character. */
#include "core/model/regexp.h"

#include <stdint.h>
#include <string.h>

enum {
    PROGRAM_MOST = 1000, /* instructions, counted repetitions unrolled */
    TREE_MOST = 1000,
    RANGE_MOST = 1000,
    NESTED_MOST = 32,
    REPEAT_MOST = 999,
    STEPS_MOST = 100000 /* of the emitter: repetitions of nothing make no instructions */
};

enum op { OP_CHAR, OP_SET, OP_SPLIT, OP_JUMP, OP_SAVE, OP_START, OP_END, OP_MATCH };

struct instruction {
    uint8_t op, negated;
    uint16_t x, y;  /* SPLIT: tried first, second; JUMP: x; SET: first range, number; SAVE: x */
    uint32_t value; /* CHAR */
};

struct range {
    uint32_t low, high;
};

struct lintel_regexp {
    uint16_t n, nranges, groups;
    const struct range *ranges;
    struct instruction code[];
};

/* ---- parsing ---- */

enum shape { EMPTY, CHAR, SET, START, END, SEQUENCE, CHOICE, REPEAT, GROUP };

struct branch { /* of the tree; children by index, 0 = none */
    uint8_t shape, negated;
    uint16_t left, right; /* SEQUENCE, CHOICE: both; REPEAT, GROUP: left */
    uint16_t least,
        most;       /* REPEAT; most 0xffff: no limit. SET: first range, number. GROUP: which */
    uint32_t value; /* CHAR */
};

struct parser {
    const char *pattern;
    size_t n, at;
    struct branch *tree;
    struct range *ranges;
    struct instruction *code;
    uint16_t used, nranges, length, groups;
    unsigned steps;
    char *reason;
};

static int
fail(struct parser *p, const char *text)
{
    if (p->reason[0] == '\0')
        lintel_format(p->reason, LINTEL_REGEXP_REASON, "%s (at character %zu)", text, p->at + 1);
    return 0;
}

/* Decodes one character of valid UTF-8. */
static uint32_t
decode(const char *s, size_t n, size_t *ret_length)
{
    unsigned char c = (unsigned char)s[0];
    size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (length > n)
        length = 1;
    uint32_t value = length == 1 ? c : c & (0x7fu >> length);
    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)s[i] & 0x3f);
    *ret_length = length;
    return value;
}

static int
more(const struct parser *p)
{
    return p->at < p->n;
}

static uint16_t
add_branch(struct parser *p, struct branch b)
{
    if (p->used == TREE_MOST)
        return (uint16_t)fail(p, "the pattern is too long");
    p->tree[p->used] = b;
    return p->used++;
}

static int
add_range(struct parser *p, uint32_t low, uint32_t high)
{
    if (p->nranges == RANGE_MOST)
        return fail(p, "too many ranges in classes");
    p->ranges[p->nranges++] = (struct range){low, high};
    return 1;
}

/* Behind a backslash: the single character that it stands for. */
static int
parse_escape(struct parser *p, uint32_t *ret)
{
    char c = more(p) ? p->pattern[p->at] : '\0';
    switch (c) {
    case 'n': *ret = '\n'; break;
    case 'r': *ret = '\r'; break;
    case 't': *ret = '\t'; break;
    case 'd': return fail(p, "\\d is not in I-Regexp; write [0-9]");
    case 's': return fail(p, "\\s is not in I-Regexp; write [ \\t\\n\\r]");
    case 'w': return fail(p, "\\w is not in I-Regexp; write [A-Za-z0-9_]");
    case 'p':
    case 'P':
        return fail(p, "classes of Unicode (\\p) are not supported; write out the characters");
    default:
        if (c == '\0' || strchr("()*+-.?[\\]^{|}$/", c) == NULL)
            return fail(p,
                        "there is no such escape; a backslash goes before ( ) * + - . ? [ \\ ] ^ "
                        "{ | } $ / n r t");
        *ret = (unsigned char)c;
    }
    p->at++;
    return 1;
}

static int
parse_class_char(struct parser *p, uint32_t *ret)
{
    if (!more(p))
        return fail(p, "a class is not closed by ]");
    if (p->pattern[p->at] == '\\') {
        p->at++;
        return parse_escape(p, ret);
    }
    if (p->pattern[p->at] == '[')
        return fail(p, "in a class [ is written \\[");
    size_t length;
    *ret = decode(p->pattern + p->at, p->n - p->at, &length);
    p->at += length;
    return 1;
}

/* Behind the [. */
static uint16_t
parse_class(struct parser *p)
{
    struct branch b = {.shape = SET, .least = p->nranges};
    if (more(p) && p->pattern[p->at] == '^') {
        b.negated = 1;
        p->at++;
    }
    while (!more(p) || p->pattern[p->at] != ']') {
        uint32_t low, high;
        if (!parse_class_char(p, &low))
            return 0;
        high = low;
        if (p->at + 1 < p->n && p->pattern[p->at] == '-' && p->pattern[p->at + 1] != ']') {
            p->at++;
            if (!parse_class_char(p, &high))
                return 0;
            if (high < low)
                return (uint16_t)fail(p, "a range in a class runs backwards");
        }
        if (!add_range(p, low, high))
            return 0;
    }
    p->at++;
    if (p->nranges == b.least)
        return (uint16_t)fail(p, "a class is empty");
    b.most = (uint16_t)(p->nranges - b.least);
    return add_branch(p, b);
}

static uint16_t parse_choice(struct parser *p, unsigned depth);

static uint16_t
parse_group(struct parser *p, unsigned depth)
{
    if (more(p) && p->pattern[p->at] == '?')
        return (uint16_t)fail(p,
                              "groups that begin with (? are not supported, look-ahead among them");
    if (depth == NESTED_MOST)
        return (uint16_t)fail(p, "too many parentheses inside one another");
    struct branch b = {.shape = GROUP, .least = ++p->groups};
    b.left = parse_choice(p, depth + 1);
    if (b.left == 0)
        return 0;
    if (!more(p) || p->pattern[p->at] != ')')
        return (uint16_t)fail(p, "a parenthesis is not closed");
    p->at++;
    return add_branch(p, b);
}

static uint16_t
parse_atom(struct parser *p, unsigned depth)
{
    size_t length;
    uint32_t value = decode(p->pattern + p->at, p->n - p->at, &length);
    if (value < 0x80 && strchr("*+?{}]", (int)value) != NULL && value != 0)
        return (uint16_t)fail(p, "this character stands for itself only behind a backslash");
    p->at += length;
    switch (value) {
    case '(': return parse_group(p, depth);
    case '[': return parse_class(p);
    case '^': return add_branch(p, (struct branch){.shape = START});
    case '$': return add_branch(p, (struct branch){.shape = END});
    case '.': {
        struct branch b = {.shape = SET, .negated = 1, .least = p->nranges, .most = 2};
        if (!add_range(p, '\n', '\n') || !add_range(p, '\r', '\r'))
            return 0;
        return add_branch(p, b);
    }
    case '\\':
        if (!parse_escape(p, &value))
            return 0;
        break;
    default: break;
    }
    return add_branch(p, (struct branch){.shape = CHAR, .value = value});
}

static int
parse_number(struct parser *p, uint16_t *ret)
{
    size_t from = p->at;
    unsigned value = 0;
    while (more(p) && p->pattern[p->at] >= '0' && p->pattern[p->at] <= '9' && value <= REPEAT_MOST)
        value = value * 10 + (unsigned)(p->pattern[p->at++] - '0');
    if (p->at == from)
        return fail(p, "a number is missing between { and }");
    if (value > REPEAT_MOST)
        return fail(p, "more than 999 repetitions");
    *ret = (uint16_t)value;
    return 1;
}

/* {n} {n,} {n,m} */
static int
parse_count(struct parser *p, struct branch *b)
{
    if (!parse_number(p, &b->least))
        return 0;
    b->most = b->least;
    if (more(p) && p->pattern[p->at] == ',') {
        p->at++;
        b->most = UINT16_MAX;
        if (more(p) && p->pattern[p->at] != '}' && !parse_number(p, &b->most))
            return 0;
    }
    if (!more(p) || p->pattern[p->at] != '}')
        return fail(p, "{ is not closed by }");
    p->at++;
    return b->most >= b->least || fail(p, "the limits between { and } are the wrong way round");
}

static uint16_t
parse_piece(struct parser *p, unsigned depth)
{
    uint16_t atom = parse_atom(p, depth);
    if (atom == 0 || !more(p))
        return atom;
    struct branch b = {.shape = REPEAT, .left = atom, .least = 0, .most = UINT16_MAX};
    char c = p->pattern[p->at];
    if (c != '*' && c != '+' && c != '?' && c != '{')
        return atom;
    p->at++;
    if (c == '+')
        b.least = 1;
    else if (c == '?')
        b.most = 1;
    else if (c == '{' && !parse_count(p, &b))
        return 0;
    if (more(p) && strchr("*+?{", p->pattern[p->at]) != NULL)
        return (uint16_t)fail(p, "two repetitions in a row; use parentheses");
    return add_branch(p, b);
}

static uint16_t
parse_choice(struct parser *p, unsigned depth)
{
    uint16_t choice = 0;
    for (;;) {
        uint16_t sequence = add_branch(p, (struct branch){.shape = EMPTY});
        while (sequence != 0 && more(p) && p->pattern[p->at] != '|' && p->pattern[p->at] != ')') {
            uint16_t piece = parse_piece(p, depth);
            sequence =
                piece == 0
                    ? 0
                    : add_branch(
                          p, (struct branch){.shape = SEQUENCE, .left = sequence, .right = piece});
        }
        if (sequence == 0)
            return 0;
        choice = choice == 0
                     ? sequence
                     : add_branch(
                           p, (struct branch){.shape = CHOICE, .left = choice, .right = sequence});
        if (choice == 0 || !more(p) || p->pattern[p->at] != '|')
            return choice;
        p->at++;
    }
}

/* ---- emitting ---- */

static int
emit(struct parser *p, struct instruction i)
{
    if (p->length == PROGRAM_MOST)
        return fail(p, "the pattern is too long, its repetitions written out");
    p->code[p->length++] = i;
    return 1;
}

static int emit_branch(struct parser *p, uint16_t at);

static int
emit_repeat(struct parser *p, const struct branch *b)
{
    for (unsigned i = 0; i < b->least; i++)
        if (!emit_branch(p, b->left))
            return 0;
    if (b->most == UINT16_MAX) {
        uint16_t split = p->length;
        if (!emit(p, (struct instruction){.op = OP_SPLIT}) || !emit_branch(p, b->left) ||
            !emit(p, (struct instruction){.op = OP_JUMP, .x = split}))
            return 0;
        p->code[split].x = (uint16_t)(split + 1);
        p->code[split].y = p->length;
        return 1;
    }
    /* Each optional one may leave to the end, which is known after the last: chained through y. */
    uint16_t chain = UINT16_MAX;
    for (unsigned i = b->least; i < b->most; i++) {
        uint16_t split = p->length;
        if (!emit(p,
                  (struct instruction){.op = OP_SPLIT, .x = (uint16_t)(split + 1), .y = chain}) ||
            !emit_branch(p, b->left))
            return 0;
        chain = split;
    }
    while (chain != UINT16_MAX) {
        uint16_t next = p->code[chain].y;
        p->code[chain].y = p->length;
        chain = next;
    }
    return 1;
}

static int
emit_choice(struct parser *p, const struct branch *b)
{
    uint16_t split = p->length;
    if (!emit(p, (struct instruction){.op = OP_SPLIT, .x = (uint16_t)(split + 1)}) ||
        !emit_branch(p, b->left))
        return 0;
    uint16_t jump = p->length;
    if (!emit(p, (struct instruction){.op = OP_JUMP}))
        return 0;
    p->code[split].y = p->length;
    if (!emit_branch(p, b->right))
        return 0;
    p->code[jump].x = p->length;
    return 1;
}

static int
emit_branch(struct parser *p, uint16_t at)
{
    const struct branch *b = &p->tree[at];
    if (++p->steps > STEPS_MOST)
        return fail(p, "too many repetitions inside one another");
    switch ((enum shape)b->shape) {
    case EMPTY: return 1;
    case CHAR: return emit(p, (struct instruction){.op = OP_CHAR, .value = b->value});
    case SET:
        return emit(p, (struct instruction){
                           .op = OP_SET, .negated = b->negated, .x = b->least, .y = b->most});
    case START: return emit(p, (struct instruction){.op = OP_START});
    case END: return emit(p, (struct instruction){.op = OP_END});
    case SEQUENCE: return emit_branch(p, b->left) && emit_branch(p, b->right);
    case CHOICE: return emit_choice(p, b);
    case REPEAT: return emit_repeat(p, b);
    case GROUP:
        if (b->least != 1)
            return emit_branch(p, b->left);
        return emit(p, (struct instruction){.op = OP_SAVE, .x = 0}) && emit_branch(p, b->left) &&
               emit(p, (struct instruction){.op = OP_SAVE, .x = 1});
    }
    return 0;
}

/* The program, or 0 with the reason. */
static int
translate(struct parser *p)
{
    p->used = 1; /* index 0 means "none" */
    uint16_t whole = parse_choice(p, 0);
    if (whole != 0 && more(p))
        return fail(p, "this ) closes nothing");
    return whole != 0 && emit_branch(p, whole) && emit(p, (struct instruction){.op = OP_MATCH});
}

struct lintel_regexp *
lintel_regexp_compile(const char *pattern, size_t n, struct lintel_arena *arena,
                      char reason[LINTEL_REGEXP_REASON])
{
    struct lintel_regexp *re = NULL;
    struct parser p = {.pattern = pattern, .n = n, .reason = reason};
    reason[0] = '\0';
    if (lintel_utf8_valid(pattern, n) != n) {
        lintel_copy(reason, LINTEL_REGEXP_REASON, "the pattern is not UTF-8");
        return NULL;
    }
    p.tree = lintel_alloc_array(TREE_MOST, sizeof *p.tree);
    p.ranges = lintel_alloc_array(RANGE_MOST, sizeof *p.ranges);
    p.code = lintel_alloc_array(PROGRAM_MOST, sizeof *p.code);
    if (p.tree == NULL || p.ranges == NULL || p.code == NULL) {
        lintel_copy(reason, LINTEL_REGEXP_REASON, "out of memory");
    } else if (translate(&p)) {
        size_t code = p.length * sizeof *p.code, ranges = p.nranges * sizeof *p.ranges;
        size_t size = sizeof *re + code + ranges;
        re = arena != NULL ? lintel_arena_alloc(arena, size) : lintel_alloc(size);
        if (re != NULL) {
            memcpy(re->code, p.code, code);
            void *behind = (char *)re->code + code;
            memcpy(behind, p.ranges, ranges);
            re->ranges = behind;
            re->n = p.length;
            re->nranges = p.nranges;
            re->groups = p.groups;
        } else {
            lintel_copy(reason, LINTEL_REGEXP_REASON, "out of memory");
        }
    }
    lintel_free(p.tree);
    lintel_free(p.ranges);
    lintel_free(p.code);
    return re;
}

void
lintel_regexp_free(struct lintel_regexp *re)
{
    lintel_free(re);
}

int
lintel_regexp_groups(const struct lintel_regexp *re)
{
    return re->groups;
}

/* ---- running ---- */

#define UNSET UINT32_MAX

struct thread {
    uint32_t pc, begin, saved[2];
};

struct threads { /* in the order of preference */
    uint16_t n;
    struct thread list[PROGRAM_MOST];
};

struct machine {
    const struct lintel_regexp *re;
    uint32_t n; /* of the text */
    uint8_t seen[PROGRAM_MOST];
    struct thread stack[PROGRAM_MOST + 1]; /* each instruction is pushed at most once a step */
};

/* Adds a thread and all that it reaches without reading a character. */
static void
follow(struct machine *m, struct threads *to, struct thread t, uint32_t at)
{
    uint16_t depth = 0;
    m->stack[depth++] = t;
    while (depth > 0) {
        t = m->stack[--depth];
        while (!m->seen[t.pc]) {
            const struct instruction *i = &m->re->code[t.pc];
            m->seen[t.pc] = 1;
            if (i->op == OP_JUMP) {
                t.pc = i->x;
            } else if (i->op == OP_SPLIT) {
                if (!m->seen[i->y] && depth <= PROGRAM_MOST) {
                    m->stack[depth] = t;
                    m->stack[depth++].pc = i->y;
                }
                t.pc = i->x;
            } else if (i->op == OP_SAVE) {
                t.saved[i->x] = at;
                t.pc++;
            } else if (i->op == OP_START || i->op == OP_END) {
                if (at != (i->op == OP_START ? 0 : m->n))
                    break;
                t.pc++;
            } else {
                to->list[to->n++] = t;
                break;
            }
        }
    }
}

static int
takes(const struct lintel_regexp *re, const struct instruction *i, uint32_t c)
{
    if (i->op == OP_CHAR)
        return i->value == c;
    if (i->op != OP_SET)
        return 0;
    for (uint16_t r = 0; r < i->y; r++)
        if (c >= re->ranges[i->x + r].low && c <= re->ranges[i->x + r].high)
            return !i->negated;
    return i->negated;
}

int
lintel_regexp_search(const struct lintel_regexp *re, const char *s, size_t n,
                     struct lintel_str *ret_group)
{
    if (n >= UNSET)
        return 0;
    struct machine m; /* large: only what is used is set */
    m.re = re;
    m.n = (uint32_t)n;
    memset(m.seen, 0, re->n);
    struct threads lists[2], *now = &lists[0], *next = &lists[1];
    struct thread best = {0};
    int found = 0;
    uint32_t best_end = 0;
    now->n = 0;
    for (uint32_t at = 0;;) {
        /* A match may begin here, unless an earlier one is under way or found. */
        if (!found)
            follow(&m, now, (struct thread){0, at, {UNSET, UNSET}}, at);
        if (now->n == 0 && found)
            break;
        size_t length = 0;
        uint32_t c = at < n ? decode(s + at, n - at, &length) : 0;
        memset(m.seen, 0, re->n);
        next->n = 0;
        for (uint16_t i = 0; i < now->n; i++) {
            struct thread t = now->list[i];
            const struct instruction *op = &re->code[t.pc];
            if (op->op == OP_MATCH) {
                best = t;
                best_end = at;
                found = 1;
                break; /* what stands behind it is less preferred */
            }
            if (at < n && takes(re, op, c)) {
                t.pc++;
                follow(&m, next, t, at + (uint32_t)length);
            }
        }
        if (at >= n)
            break;
        at += (uint32_t)length;
        struct threads *swap = now;
        now = next;
        next = swap;
    }
    if (found && ret_group != NULL) {
        if (re->groups == 0)
            *ret_group = (struct lintel_str){s + best.begin, best_end - best.begin};
        else if (best.saved[0] == UNSET || best.saved[1] == UNSET)
            *ret_group = (struct lintel_str){NULL, 0};
        else
            *ret_group = (struct lintel_str){s + best.saved[0], best.saved[1] - best.saved[0]};
    }
    return found;
}
