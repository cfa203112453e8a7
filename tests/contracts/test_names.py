"""Rooms and classes are named for what they are, in the words of the glossary."""

import ast
import re

from tests.contracts.tree import PACKAGES, ROOT, classes, files, functions, modules

BANNED_ROOMS = {"base", "bases", "common", "core", "data", "handler", "handlers", "helper", "helpers", "impl", "info"}
BANNED_ROOMS |= {"lib", "manager", "managers", "misc", "processor", "service_base", "shared", "stuff", "util", "utils"}
BANNED_CLASS = re.compile(r"^Base[A-Z]|(Manager|Handler|Processor|Helper|Helpers|Impl|Util|Utils|Data|Info)$")
# Words for which the glossary has another one; matched as whole parts of a name.
NEVER = {
    "datapoint": "sample",
    "datapoints": "samples",
    "timeseries": "series",
    "downsample": "rollup",
    "hysteresis": "deadband",
    "debounce": "on-delay, off-delay",
    "snooze": "shelve",
    "dismiss": "acknowledge",
    "envelope": "batch",
}
# The same for what people read in Chinese.
NEVER_IN_CHINESE = {
    "测点": "标签",
    "采样值": "样本",
    "采样数": "样本数",
    "报警日志": "报警记录",
    "消息服务器": "消息代理",
    "代理缓存": "发件箱",
    "搁置数据": "拒收数据",
    "被搁置的数据": "拒收数据",
    "双因素": "第二因素",
}
# Names that another library asks for.
FOREIGN_CLASSES = {"BaseModel"}


def words(name: str) -> set[str]:
    """Return the parts of a snake_case or CamelCase name."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return set(spaced.lower().strip("_").split("_"))


def own_modules() -> list[str]:
    return [str(path) for path in files() if path.suffix == ".py" and path.parts[0] in (*PACKAGES, "tests")]


def test_no_room_is_called_after_nothing() -> None:
    rooms = {part.removesuffix(".py") for path in own_modules() for part in path.split("/")}
    assert not rooms & BANNED_ROOMS


def test_no_class_is_called_after_nothing() -> None:
    wrong = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules()
        for node in classes(module)
        if BANNED_CLASS.search(node.name) and node.name not in FOREIGN_CLASSES
    ]
    assert not wrong


def test_names_use_the_words_of_the_glossary() -> None:
    wrong: list[str] = []
    for module in modules():
        if module.is_test:
            continue
        named = [(node.lineno, node.name) for node in (*classes(module), *functions(module))]
        named += [(1, module.path.stem)]
        named += [(node.lineno, node.arg) for node in ast.walk(module.tree) if isinstance(node, ast.arg)]
        for line, name in named:
            wrong += [f"{module.path}:{line} {name}: say {NEVER[word]}" for word in words(name) & NEVER.keys()]
    assert not wrong


def test_tests_are_named_for_behaviour() -> None:
    vague_name = re.compile(r"test(_[a-z]+)?_\d+|test_([a-z]+_)?(it|works|ok|basic|simple)")
    vague = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module)
        if module.is_test and vague_name.fullmatch(function.name)
    ]
    assert not vague


def test_chinese_texts_use_the_words_of_the_glossary() -> None:
    texts = [path for path in files() if path.name.startswith("zh.") or ".zh-CN." in path.name]
    assert len(texts) > 10
    wrong = [
        f"{path}: {word}: the glossary says {better}"
        for path in texts
        for word, better in NEVER_IN_CHINESE.items()
        if word in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not wrong
