"""Messages for definitions that have none of their own, in both languages (pure)."""

from cloud_api.alarms.definitions.conditions import Texts
from cloud_api.alarms.evaluation.plan import Kind

_BEYOND = {
    "hihi": ("far above", "远高于"),
    "hi": ("above", "高于"),
    "lo": ("below", "低于"),
    "lolo": ("far below", "远低于"),
}
_BY_KIND = {
    Kind.DISCRETE: Texts(en="{name}: {label} at {path}", zh="{name}：{path} 为 {label}"),
    Kind.STALE: Texts(en="{name}: no sample from {path}", zh="{name}：{path} 无数据"),
    Kind.BAD_QUALITY: Texts(en="{name}: bad quality at {path}", zh="{name}：{path} 质量为坏"),
    Kind.COUNTER_STOPPED: Texts(en="{name}: {path} stands still at {value}", zh="{name}：{path} 停在 {value}"),
    Kind.EXPRESSION: Texts(en="{name} at {path}", zh="{name}（{path}）"),
}


def default_texts(kind: Kind, level: str | None) -> Texts:
    """Give the message of a kind and level."""
    if level is None:
        return _BY_KIND[kind]
    english, chinese = _BEYOND[level]
    what_en = {Kind.DEVIATION: "deviation ", Kind.RATE: "rate "}.get(kind, "")
    what_zh = {Kind.DEVIATION: "偏差 ", Kind.RATE: "变化率 "}.get(kind, "")
    return Texts(
        en=f"{{name}}: {what_en}{{value}} {{unit}} {english} {{limit}} {{unit}}",
        zh=f"{{name}}：{what_zh}{{value}} {{unit}} {chinese} {{limit}} {{unit}}",
    )
