/* SPDX-License-Identifier: Apache-2.0
 * Input: table, address, number of bytes, then the text of a binding's test for an address, its
 * table and the text of a forbidden range. */
#include <stdlib.h>
#include <string.h>

#include "lintel/ext/given.h"
#include "modbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lintel_value *
address_of(const uint8_t *data)
{
    static lintel_value addr[4];
    addr[0] = (lintel_value){.type = LINTEL_T_INT, .as.i = data[0] % 4};
    addr[1] = (lintel_value){.type = LINTEL_T_INT, .as.i = data[1] % 4};
    addr[3] = (lintel_value){.type = LINTEL_T_INT};
    return addr;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[128], *text;
    struct mb_range range;
    if (size < 3 || (text = malloc(size - 2)) == NULL)
        return 0;
    memcpy(text, data + 3, size - 3);
    text[size - 3] = '\0';
    lintel_value item = {.type = LINTEL_T_STR, .len = (uint32_t)strlen(text), .as.s = text};
    lintel_value list = {.type = LINTEL_T_LIST, .len = 1, .as.list = &item};
    lintel_member runs[] = {{"0", item}, {"3", list}, {text, item}};
    lintel_value table = {.type = LINTEL_T_MAP, .len = 3, .as.map = runs}, ret;
    lintel_member tables[] = {{mb_table_name((enum mb_table)(data[0] % 4)), table}};
    lintel_value given = {.type = LINTEL_T_MAP, .len = 1, .as.map = tables};
    lintel_point p = {.size = sizeof p, .wire_bytes = data[2], .addr = address_of(data)};
    uint8_t *scratch = malloc(mb_given.scratch);
    if (scratch != NULL && mb_given.value(&given, &p, scratch, &ret, reason) == LINTEL_OK &&
        ret.type == LINTEL_T_BYTES && ret.len != data[2])
        abort();
    if (mb_range_parse(text, &range) && (range.first > range.last || range.last > 65535))
        abort();
    free(scratch);
    free(text);
    return 0;
}
