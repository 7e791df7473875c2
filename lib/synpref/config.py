"""Settings at the door: YAML overlays and `key=value` words become one typed, validated object."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError

from synpref.errors import SettingsError
from synpref.masking import HIDDEN, masked, masked_text, names_secret
from synpref.settings import JUDGE_RUNTIME, Settings
from synpref.settings_presets import Preset, Recipe
from synpref.settings_train import CAMPAIGN_DTYPE, TRAIN_ADDED, TRAIN_RUNTIME

COMMAND_LINE = "command line"
CAMPAIGN_SECTIONS = (
    "seed", "sample", "truth", "groups", "hygiene", "humans", "stage1", "attributes", "embedder", "judges", "admission",
)  # fmt: skip
_LENGTHS = ("steps", "epochs")
_ABSENT = object()
# What of `train` no role and no label of a campaign depends on.
TRAIN_ASIDE = ("data", "seed", "preset", "recipe", "final", "dry_run", "estimate")


def load_settings(overlays: Sequence[str], words: Sequence[str]) -> Settings:
    """Read conf/base.yaml, then the overlays in order, then `key=value` words; validate the whole.

    overlays: paths, or names of overlays that come with the package (`demo`, `local`, `databricks`, `emr`).
    Raises SettingsError with one line an error: the file, the key, what is wrong and the nearest valid key.
    """
    layers = [("conf/base.yaml", _read(conf_file("base.yaml")))]
    layers += [(name, _read(_overlay(name))) for name in overlays]
    layers += [(COMMAND_LINE, _word(word)) for word in words]
    layers[1:1] = _preset_layer(layers)
    _one_length(layers)
    plain = _merged(layers)
    try:
        return Settings.model_validate(plain)
    except ValidationError as error:
        lines = [_explain(dict(detail), layers) for detail in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def check_inputs(settings: Settings, stage: str) -> None:
    """Raise SettingsError where the stage, or the pipeline, has nothing to read, or the pipeline would end at train."""
    if stage == "pipeline" and (settings.train.data.given or settings.train.dry_run):
        raise SettingsError(
            "pipeline: train.data and train.dry_run are of `synpref train` alone, and leave no final models for the "
            "stages behind it; run that, or leave them out"
        )
    if settings.reads_nothing(stage):
        ways = {
            "train": "; to train without them, name pairs in train.data",
            "evaluate": "; to measure a model without them, name it in evaluate.models",
        }
        more = ways.get(stage, "")
        raise SettingsError(f"nothing to read: name at least one of inputs, or set generated.prompts{more}")


def settings_json(settings: Settings) -> str:
    """The settings as canonical JSON, secrets hidden: it is written to tables and to MLflow."""
    return json.dumps(masked(settings.model_dump(by_alias=True)), sort_keys=True, ensure_ascii=False)


def settings_hash(settings: Settings) -> str:
    """16 hex digits over all settings."""
    return hashlib.sha256(settings_json(settings).encode()).hexdigest()[:16]


def campaign_id(settings: Settings, file_ids: Sequence[str], lists: Sequence[str] = ()) -> str:
    """16 hex digits over the inputs and every setting that changes roles or Stage 1 labels (design.md, Identity).

    lists: digests of hygiene.benchmarks (list_digests).
    """
    sections = settings.model_dump(by_alias=True, include=set(CAMPAIGN_SECTIONS))
    # training and scoring change which pool errors retrieval sees; a run without silver iterations depends on neither,
    # but halves its wild pool
    for judge in sections["judges"]:
        for name in JUDGE_RUNTIME:
            del judge[name]
    del sections["embedder"]["token_budget"]  # how batches are cut
    silver = settings.judges and settings.stage1.iterations
    scorer = settings.scorer.model_dump(exclude={"shared_prompt", "gpu_memory", "http", "token_budget"})
    scorer["max_tokens"] = settings.scorer.max_tokens or settings.train.max_tokens  # see flow.specs.campaign_scorer
    train = settings.train.model_dump(exclude={*TRAIN_ASIDE, *TRAIN_RUNTIME})
    train["dtype"] = train["dtype"] or CAMPAIGN_DTYPE
    train = {name: value for name, value in train.items() if name not in TRAIN_ADDED or value != TRAIN_ADDED[name]}
    models = [train, scorer] if silver else None
    facts = [sorted(file_ids), sections, models, settings.stage2.fold_min_groups, *([list(lists)] if lists else [])]
    told = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def list_digests(settings: Settings) -> list[str]:
    """Digests of the benchmark lists on this disk, file by file; one on an object store is known by its name."""
    places = [Path(place.removeprefix("file:")) for place in settings.hygiene.benchmarks]
    named = [sorted(place.rglob("*")) if place.is_dir() else [place] for place in places]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for of_place in named for file in of_place if file.is_file()]


def inputs_hash(settings: Settings) -> str:
    """16 hex digits over what decides which rows are read."""
    sections = {"seed", "inputs", "sample", "generated", "groups"}
    facts = json.dumps(settings.model_dump(by_alias=True, include=sections), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def load_preset(name: str) -> Preset:
    """The preset of conf/models. Raises SettingsError where there is none of that name."""
    known = sorted({path.stem for root in _conf_roots() for path in (root / "models").glob("*.yaml")})
    if name not in known:
        raise SettingsError(f"train.preset: there is no {name!r}; known: {', '.join(known)}")
    plain = OmegaConf.to_container(_read(conf_file(f"models/{name}.yaml")))
    try:
        return Preset.model_validate(plain)
    except ValidationError as error:
        raise SettingsError(f"conf/models/{name}.yaml: {error}") from None


def _preset_layer(layers: Sequence[tuple[str, DictConfig]]) -> list[tuple[str, DictConfig]]:
    """What the preset that the layers name says, to stand above the defaults and below all else."""
    name, recipe = (_named(layers, key) for key in ("train.preset", "train.recipe"))
    if name is None:
        return []
    chosen = next((one for one in get_args(Recipe) if one == recipe), None)
    if chosen is None:
        raise SettingsError(f"train.recipe: {recipe!r} is none of {', '.join(get_args(Recipe))}")
    values = load_preset(str(name)).values(chosen)
    return [(f"conf/models/{name}.yaml ({recipe})", OmegaConf.create({"train": values}))]


def _one_length(layers: Sequence[tuple[str, DictConfig]]) -> None:
    """Let a layer that sets one of steps and epochs take the place of the other in the layers below it.

    Of `train` and of `train.final`.
    """
    for _, layer in layers:
        for where in (("train",), ("train", "final")):
            given = [key for key in _LENGTHS if _written(layer, (*where, key)) is not None]
            if len(given) == 1:
                OmegaConf.select(layer, ".".join(where)).update({key: None for key in _LENGTHS if key not in given})


def _named(layers: Sequence[tuple[str, DictConfig]], key: str) -> object:
    """The value of a key in the last layer that has it."""
    where = key.split(".")
    return next((_written(layer, where) for _, layer in reversed(layers) if _holds(layer, where)), None)


def conf_file(name: str) -> Path:
    """A file of conf/: the package's own copy in a wheel, the folder itself in a checkout.

    Raises SettingsError where it does not exist.
    """
    for root in _conf_roots():
        if (root / name).is_file():
            return root / name
    raise SettingsError(f"conf/{name} does not exist; known: {', '.join(sorted(_known_overlays()))}")


def _conf_roots() -> list[Path]:
    checkout = Path(__file__).resolve().parents[2] / "conf"
    try:
        packaged = Path(str(resources.files("synpref.conf")))
    except ModuleNotFoundError:
        return [checkout]
    return [packaged, checkout]


def _known_overlays() -> set[str]:
    return {path.stem for root in _conf_roots() if root.is_dir() for path in root.glob("*.yaml")}


def _overlay(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise SettingsError(f"--conf {name}: no such file")
    return conf_file(f"{name}.yaml")


def _read(path: Path) -> DictConfig:
    try:
        layer = OmegaConf.load(path)
    except Exception as error:  # PyYAML and OmegaConf raise unrelated families; all mean an unreadable file
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path}: not readable as YAML: {reason}") from None
    if not isinstance(layer, DictConfig):
        raise SettingsError(f"{path}: must be a mapping of settings")
    return layer


def _word(word: str) -> DictConfig:
    key, equals, _ = word.partition("=")
    if not equals or not key:
        raise SettingsError(f"{COMMAND_LINE}: '{word}' is not key=value")
    try:
        return OmegaConf.from_dotlist([word])
    except Exception as error:  # as in _read: any parser error means the word is no setting
        raise SettingsError(f"{COMMAND_LINE}: '{word}': {' '.join(str(error).split())}") from None


def _merged(layers: Sequence[tuple[str, DictConfig]]) -> dict[str, Any]:
    merged: Any = OmegaConf.create({})
    for name, layer in layers:
        try:
            merged = OmegaConf.merge(merged, layer)
        except OmegaConfBaseException as error:
            raise SettingsError(f"{name}: {' '.join(str(error).split())}") from None
    try:
        plain = OmegaConf.to_container(merged, resolve=True)
    except OmegaConfBaseException as error:
        names = [name for name, _ in layers]
        wrong = [(_source(_parts(key), layers), key) for key in _unresolved(merged, str(error.full_key))]
        name, key = max(wrong, key=lambda each: names.index(each[0]))
        raise SettingsError(f"{name}: {key}: {str(error).splitlines()[0]}") from None
    assert isinstance(plain, dict)  # noqa: S101 - tells mypy what _read made sure of
    return {str(key): value for key, value in plain.items()}


def _unresolved(merged: DictConfig, key: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Of a value that cannot be resolved, the key that holds the wrong ${…}: its own, or that of a value it names.

    Several where they name each other in a circle.
    """
    for named in re.findall(r"\$\{([\w.\[\]]+)\}", str(_written(merged, _parts(key)))):
        try:
            OmegaConf.select(merged, named)
        except OmegaConfBaseException:
            return (*seen, key) if named in (*seen, key) else _unresolved(merged, named, (*seen, key))
    return (key,)


def _parts(key: str) -> list[str]:
    """a[0].b as a, 0, b."""
    return re.findall(r"[^.\[\]]+", key)


def _explain(detail: Mapping[str, Any], layers: Sequence[tuple[str, DictConfig]]) -> str:
    where = tuple(str(part) for part in detail["loc"])
    key = ".".join(where)
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(where[-1], _siblings(where[:-1]), n=1, cutoff=0.0)
        message = "no such setting" + (f"; nearest valid key: {'.'.join((*where[:-1], nearest[0]))}" if nearest else "")
    elif detail["type"] != "value_error":
        given = HIDDEN if names_secret(where) else masked_text(repr(detail["input"]))
        message = f"{message[0].lower()}{message[1:]} (got {given})"
    return f"{_source(where, layers)}: {key + ': ' if key else ''}{message}"


def _source(where: Sequence[str], layers: Sequence[tuple[str, DictConfig]]) -> str:
    for length in range(len(where), 0, -1):
        for name, layer in reversed(layers):
            if _holds(layer, where[:length]):
                return name
    return layers[-1][0]


def _holds(layer: DictConfig, where: Sequence[str]) -> bool:
    return _written(layer, where, absent=_ABSENT) is not _ABSENT


def _written(layer: DictConfig, where: Sequence[str], absent: object = None) -> object:
    """What a layer says under these keys, with each ${…} as it is written."""
    found: object = OmegaConf.to_container(layer)
    for part in where:
        if isinstance(found, list):
            found = {str(place): one for place, one in enumerate(found)}
        if not isinstance(found, dict) or part not in found:
            return absent
        found = found[part]
    return found


def _siblings(where: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in where:
        if part.isdigit():
            continue
        named = {(field.alias or name): field for name, field in model.model_fields.items()}
        annotation = named[part].annotation
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        inner = [kind for kind in kinds if issubclass(kind, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]
