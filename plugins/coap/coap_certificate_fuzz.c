/* SPDX-License-Identifier: Apache-2.0
 * Names of certificates: whatever comes, what is taken for a name can be one, and ends. */
#include "plugins/coap/coap_certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char identity[LCOAP_MAX_IDENTITY], authority[LCOAP_MAX_AUTHORITY];
    memset(identity, 'x', sizeof identity);
    memset(authority, 'x', sizeof authority);
    if (lcoap_certificate_names(data, size, identity, authority)) {
        size_t n = strnlen(identity, sizeof identity);
        if (n == sizeof identity || !lcoap_is_identity(identity, n) ||
            strnlen(authority, sizeof authority) == sizeof authority)
            abort();
    }
    if (lcoap_is_identity((const char *)data, size))
        for (size_t i = 0; i < size; i++)
            if (data[i] < ' ' || data[i] == 0x7f)
                abort();
    return 0;
}
