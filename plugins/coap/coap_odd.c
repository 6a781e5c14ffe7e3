/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_odd.h"

#include <coap3/coap.h>
#include <string.h>

bool
lcoap_is_odd(const uint8_t head[4], size_t n)
{
    if (n < 4)
        return false; /* no header: libcoap knows what to do */
    if (head[0] >> 6 != 1)
        return true;
    bool request = head[1] != 0 && head[1] >> 5 == 0;
    return request && ((head[0] >> 4 & 2) != 0 || head[1] > COAP_REQUEST_CODE_IPATCH);
}

size_t
lcoap_odd_answer(const uint8_t *datagram, size_t n, uint8_t ret[LCOAP_ODD_ROOM])
{
    size_t ntoken = n < 4 ? 0 : datagram[0] & 15;
    if (n < 4 || datagram[0] >> 6 != 1 || (datagram[0] >> 4 & 2) != 0 || ntoken > 8 ||
        n < 4 + ntoken)
        return 0;
    bool confirmable = (datagram[0] >> 4 & 3) == COAP_MESSAGE_CON;
    unsigned kind = confirmable ? COAP_MESSAGE_ACK : COAP_MESSAGE_NON;
    ret[0] = (uint8_t)(1u << 6 | kind << 4 | ntoken);
    ret[1] = LINTEL_CODE(4, 5);
    memcpy(ret + 2, datagram + 2, 2 + ntoken);
    return 4 + ntoken; /* without words: never more than was sent, whoever it is sent to */
}
