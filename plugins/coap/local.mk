# parts of plugins/coap
