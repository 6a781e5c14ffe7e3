/* SPDX-License-Identifier: Apache-2.0
 * Input: the length of a request's PDU, this PDU, then a stream as a server might send it. */
#include <stdlib.h>
#include <string.h>

#include "modbus_pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || data[0] > size - 1)
        return 0;
    const uint8_t *request = data + 1, *p = request + data[0];
    size_t nrequest = data[0], left = size - 1 - nrequest;
    struct mb_mbap head;
    int n, code;
    while ((n = mb_mbap_read(p, left, &head)) > 0) {
        if ((size_t)n > left || head.npdu + MB_MBAP != (size_t)n || head.npdu > MB_PDU_MOST)
            abort();
        /* An exact copy, so that a read beyond its end is seen. */
        uint8_t *pdu = malloc(head.npdu);
        if (pdu == NULL)
            return 0;
        memcpy(pdu, p + MB_MBAP, head.npdu);
        enum mb_verdict v = mb_pdu_judge(request, nrequest, pdu, head.npdu, &code);
        if (v == MB_ANSWERS && request[0] <= 2) {
            unsigned count = (unsigned)request[3] << 8 | request[4], sum = 0;
            for (unsigned i = 0; i < count; i++)
                sum += (unsigned)mb_bit(pdu + 2, i);
            if (sum > count)
                abort();
        }
        free(pdu);
        p += n;
        left -= (size_t)n;
    }
    return 0;
}
