#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Modbus TCP server that we did not write, for the plugin's tests: pymodbus, with two units.

Says "ready tcp PORT", and ends with its stdin. "skip" if pymodbus is not there, or is too different.
Unit 1: coils and discrete inputs 0..31 (every third is on), holding and input registers 0..199 (each 3 x its address).
Unit 2: the same, but only registers 100..109.
"""
import asyncio
import logging
import sys

try:
    from pymodbus.datastore import ModbusSequentialDataBlock as Block
    from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
    from pymodbus.server.async_io import ModbusTcpServer
except ImportError:
    print("skip", flush=True)
    sys.exit(0)


def unit(first, last):
    registers = [3 * a for a in range(first, last + 1)]
    bits = [a % 3 == 0 for a in range(32)]
    return ModbusSlaveContext(
        di=Block(0, list(bits)),
        co=Block(0, list(bits)),
        hr=Block(first, list(registers)),
        ir=Block(first, list(registers)),
        zero_mode=True,
    )


async def main():
    context = ModbusServerContext(slaves={1: unit(0, 199), 2: unit(100, 109)}, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print("ready tcp", server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


logging.disable()  # it reports the errors that the test provokes
asyncio.run(main())
