/* SPDX-License-Identifier: Apache-2.0
 * JSON documents that came from outside. jansson says of some texts that they are wrong when it was
 * memory that it lacked: here both are told apart. */
#ifndef LINTEL_MODEL_JSON_LOAD_H
#define LINTEL_MODEL_JSON_LOAD_H
#include <jansson.h>
#include <stddef.h>

/* As json_loadb(). Where it returns NULL for want of memory, *ret_starved is 1 and the error says
 * so; else it is 0. Any thread. */
json_t *lintel_json_load(const char *p, size_t n, size_t flags, json_error_t *error,
                         int *ret_starved);
/* The same; where an integer has more than 64 bits, all of them become doubles. */
json_t *lintel_json_load_wide(const char *p, size_t n, size_t flags, json_error_t *error,
                              int *ret_starved);
#endif
