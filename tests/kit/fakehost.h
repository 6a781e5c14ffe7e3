/* SPDX-License-Identifier: Apache-2.0
 * The hub for one plugin instance of lintel/kit.h under CUnit: each complaint is a failed check,
 * and what can't be made is one too. */
#ifndef LINTEL_TESTS_FAKEHOST_H
#define LINTEL_TESTS_FAKEHOST_H
#include "lintel/kit.h"

#define fakehost lintel_kit
#define fakehost_result lintel_kit_result
enum {
    FAKEHOST_READ = LINTEL_KIT_READ,
    FAKEHOST_WRITE = LINTEL_KIT_WRITE,
    FAKEHOST_INVOKE = LINTEL_KIT_INVOKE,
    FAKEHOST_SUBSCRIBE = LINTEL_KIT_SUBSCRIBE
};
/* lintel_kit_new(), but a refusal fails a check. */
struct fakehost *fakehost_new(const lintel_plugin *plugin, const char *const *settings,
                              int real_time);
#define fakehost_free lintel_kit_free
#define fakehost_self lintel_kit_self
#define fakehost_start lintel_kit_start
#define fakehost_advance lintel_kit_advance
#define fakehost_attach lintel_kit_attach
#define fakehost_bind lintel_kit_bind
#define fakehost_request lintel_kit_request
#define fakehost_result_free lintel_kit_result_free
#define fakehost_published lintel_kit_published
#define fakehost_link lintel_kit_link
#define fakehost_wait_link lintel_kit_wait_link
#define fakehost_links lintel_kit_links
#define fakehost_device_status lintel_kit_device_status
#define fakehost_log lintel_kit_log
#endif
