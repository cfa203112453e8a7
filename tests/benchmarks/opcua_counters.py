"""An OPC UA server for the benchmark, a process of its own: many doubles that all count up together."""

import asyncio
import logging
import sys
from datetime import UTC, datetime

from asyncua import Server, ua

NAMESPACE = "urn:millstream:bench"


async def main(port: int, items: int, period_s: float) -> None:
    """Serve until killed; each item's value is the number of the tick that wrote it."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    folder = await server.nodes.objects.add_folder(index, "Counters")
    nodes = [ua.NodeId(f"c{number}", index) for number in range(items)]
    for node in nodes:
        await folder.add_variable(node, node.Identifier, 0.0)
    await server.start()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    due = loop.time()
    tick = 0
    while True:
        tick += 1
        now = datetime.now(UTC)
        for node in nodes:
            value = ua.DataValue(
                ua.Variant(float(tick), ua.VariantType.Double), SourceTimestamp=now, ServerTimestamp=now
            )
            await server.write_attribute_value(node, value)
        due += period_s
        await asyncio.sleep(max(0.0, due - loop.time()))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
