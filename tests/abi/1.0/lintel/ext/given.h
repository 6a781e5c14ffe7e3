/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/given.h - "lintel.given/1", plugin side: raw data written in a binding's own tests.
 *
 *   lintel:tests:
 *     - given: { modbus: { input: { 12: "43 9A 00 00" } } }
 *
 * What stands under the plugin's name is the plugin's own notation; this extension reads it.
 */
#ifndef LINTEL_EXT_GIVEN_H
#define LINTEL_EXT_GIVEN_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_GIVEN "lintel.given/1"
typedef struct lintel_plugin_given {
    uint32_t size;
    uint32_t scratch; /* bytes that value() may need at most for one point */
    /* The raw value that a read of p would have brought. given: a tree of MAP, LIST and STR (every
     * scalar of the file is a STR). p: not bound; its device's settings are those of the binding.
     * *ret may point into given or into scratch. LINTEL_E_ADDRESS: nothing is given for this
     * address. On any other error reason[0..127] says in words what is wrong. [any] */
    lintel_status (*value)(const lintel_value *given, const lintel_point *p, void *scratch,
                           lintel_value *ret, char reason[128]);
} lintel_plugin_given;

#ifdef __cplusplus
}
#endif
#endif
