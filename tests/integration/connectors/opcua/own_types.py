"""Data types of the asyncua test server's own: nested, with optional fields, a union, an enumeration."""

from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field


async def define_types(plant: Any) -> None:
    """Variables Press, Presses, Choice and State below the hall; only this process registers their classes."""
    server: Any = plant.server
    index: int = plant.index
    state = await new_enum(server, index, "PressState", ["Stopped", "Running", "Fault"])
    point, _ = await new_struct(
        server,
        index,
        "Point",
        [new_struct_field("X", ua.VariantType.Double), new_struct_field("Y", ua.VariantType.Float)],
    )
    press, _ = await new_struct(
        server,
        index,
        "Press",
        [
            new_struct_field("Name", ua.VariantType.String),
            new_struct_field("State", state),
            new_struct_field("Counts", ua.VariantType.UInt64, array=True),
            new_struct_field("Home", point),
            new_struct_field("Path", point, array=True),
            new_struct_field("Note", ua.VariantType.LocalizedText, optional=True),
            new_struct_field("Since", ua.VariantType.DateTime, optional=True),
        ],
    )
    choice, _ = await new_struct(
        server,
        index,
        "Choice",
        [new_struct_field("Weight", ua.VariantType.Double), new_struct_field("Text", ua.VariantType.String)],
        is_union=True,
    )
    found: Any = await server.load_data_type_definitions()
    made = _press(found, 7)
    chosen = found["Choice"]()
    chosen.Text = "steel"
    values = {"Press": made, "Presses": [made, _press(found, 8)], "Choice": chosen}
    types = {"Press": press, "Presses": press, "Choice": choice}
    for name, value in values.items():
        await _add(plant, name, ua.Variant(value, ua.VariantType.ExtensionObject), types[name].nodeid)
    await _add(plant, "State", ua.Variant(1, ua.VariantType.Int32), state.nodeid)
    await _add(plant, "Anything", ua.Variant(found["Point"](X=1.0, Y=2.0), ua.VariantType.ExtensionObject), None)


async def _add(plant: Any, name: str, variant: ua.Variant, data_type: ua.NodeId | None) -> None:
    node_id: Any = ua.NodeId
    node = await plant.folder.add_variable(node_id(name, plant.index), name, variant, datatype=data_type)
    await node.set_writable()
    plant.nodes[name] = node


def _press(found: Any, count: int) -> Any:
    return found["Press"](
        Name="合模",
        State=found["PressState"].Running,
        Counts=[count, 2**64 - 1],
        Home=found["Point"](X=0.5, Y=0.25),
        Path=[found["Point"](X=1.0, Y=2.0), found["Point"](X=float("nan"), Y=-1.0)],
        Note=None,
        Since=datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC),
    )
