"""The buttons of a page. Each function changes what the service remembers and sends at most a few messages; none waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engines.data import OWN
from playground.sessions import settings, shelf
from playground.sessions.limits import LIMITS, Refused
from playground.sessions.record import Record, Run

if TYPE_CHECKING:
    from playground.sessions.service import Service

Body = Mapping[str, Any]
GOING = ("waiting", "starting", "running")
ENDED = ("finished", "diverged")
MISSING = {"own-text": "paste or upload one first", "own-codes": "hand some over in the scene Image tokens first"}


def preview(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """Show the data and an untrained model. Replaces every run of the session."""
    return {"branch": _plant(service, record, _config(service, record, body)).name}


def revive(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """A finished run that comes with the project, as if the visitor had trained it. Replaces every run of the session."""
    family = service.families[record.family]
    preset = body.get("preset")
    if not isinstance(preset, str) or preset not in shelf.names(family):
        raise Refused("preset is not one that comes with a finished run.", "preset")
    found = shelf.kept(shelf.folder(family, preset))
    config = settings.from_dict(family.Config, found.config)
    return {"branch": _plant(service, record, config, found).name}


def train(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """Start a new run, or continue the active one if it has these settings and is not finished."""
    run = record.run
    if "settings" in body:
        config = _config(service, record, body)
        if run is None or run.config != config or run.data is not record.own.get(config.dataset) or run.state in ENDED:
            run = _plant(service, record, config)
    elif run is None:
        raise Refused("There is no run yet; say which settings to train with.", "settings")
    elif run.state == "finished":
        raise Refused(f"This run is finished at step {run.step:,}; change a setting, fork it or start again.")
    elif run.state == "diverged":
        raise Refused("This run diverged; rewind it first.")
    if run.state not in GOING:
        service.begin(record, run)
    return {"branch": run.name}


def pause(service: Service, record: Record, body: Body) -> None:
    """Pause the active run, or leave the line."""
    record.message = None
    service.pause(record, active(record))


def step(service: Service, record: Record, body: Body) -> None:
    """A few steps by hand, of one network alone if `part` names it."""
    run = active(record)
    count = settings.integer(body, "count", 1, 1_000, default=1)
    part = body.get("part")
    if part is not None and (not isinstance(part, str) or not part.isidentifier() or len(part) > 20):
        raise Refused("part is not the name of a network.", "part")
    if run.state in ENDED:
        raise Refused(f"This run is {run.state}; there is no next step.")
    service.pause(record, run)
    service.ensure(record, run)
    record.message = None
    run.order += 1
    service.tell(record, run, "step", order=run.order, count=count, part=part)


def reset(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """Back to step 0 with the settings of the active run. Replaces every run of the session."""
    return {"branch": _plant(service, record, active(record).config).name}


def set_knobs(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """Turn live knobs of the active run."""
    run, family = active(record), service.families[record.family]
    values = settings.checked(family, body.get("knobs"), live=True)
    config = settings.changed(family, run.config, values)
    service.ensure(record, run)
    run.config = config
    service.tell(record, run, "set", knobs=values)
    return {"config": settings.to_dict(config)}


def fork(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """A second future of a run, from one of its steps on, with other knobs. The run itself goes on."""
    family = service.families[record.family]
    parent = named(record, body)
    step_ = settings.integer(body, "step", 0, parent.step)
    while parent.parent in record.runs and step_ < parent.from_step:
        parent = record.runs[parent.parent]
    if len(record.runs) >= LIMITS.max_branches:
        raise Refused(f"A session holds {LIMITS.max_branches} runs; start again to make room.", "branch")
    saved = parent.checkpoints.at(step_)
    old = settings.from_dict(family.Config, saved.config) if saved else parent.config
    config = settings.changed(family, old, settings.checked(family, body.get("settings", {})))
    settings.same_shape(family, old, config)
    if config.steps <= step_:
        raise Refused(f"steps={config.steps} is not beyond the fork at step {step_:,}.", "steps")
    if saved is None:
        raise Refused("Nothing is kept from before that step." if parent.ready else "This run is still being built.", "step")
    title = settings.difference(family, old, config)
    run = record.new_run(
        config, settings.kind(config), parent=parent.name, from_step=step_, title=title,
        data=_own(record, config, parent.data), origin=saved, step=step_,
    )  # fmt: skip
    record.add_event(parent, step_, "fork", f"Fork: {title}")
    record.add_event(run, step_, "fork", title)
    service.launch(record, run)
    service.begin(record, run)
    return {"branch": run.name}


def rewind(service: Service, record: Record, body: Body) -> dict[str, Any]:
    """Return the active run to its last healthy checkpoint, with live knobs changed if asked. It is then paused."""
    run, family = active(record), service.families[record.family]
    saved = rewind_to(run)
    if saved is None:
        raise Refused("There is no earlier state to return to.")
    values = settings.checked(family, body.get("settings", {}), live=True)
    config = settings.changed(family, settings.from_dict(family.Config, saved.config), values)
    service.pause(record, run)
    title = f"Rewound to {saved.step:,}" + (f", {settings.difference(family, run.config, config)}" if config != run.config else "")
    run.config, run.state, record.message = config, "paused", None
    run.checkpoints.cut(saved.step)
    service.set_back(record, run, "rewind", title)
    return {"branch": run.name, "step": saved.step}


def select(service: Service, record: Record, body: Body) -> None:
    """Make another run the active one."""
    record.active = named(record, body).name


def leave(service: Service, record: Record, body: Body) -> None:
    """The page closes. If it does not come back soon, its runs pause."""
    record.leaving = True


def mark(service: Service, record: Record, body: Body) -> None:
    """Put a flag on the timeline."""
    run = active(record)
    record.add_event(run, settings.integer(body, "step", 0, run.step), "mark", settings.text(body, "title"))


def rewind_to(run: Run) -> Any:
    """The checkpoint that rewinding leads to: the last one before the present step, or at it if the run is broken there."""
    if run.state == "diverged":
        return run.checkpoints.at(run.step)
    return run.checkpoints.at(run.step - 1)


def active(record: Record) -> Run:
    """The run that buttons are about. Refused if there is none."""
    if record.run is None:
        raise Refused("There is no run yet.")
    return record.run


def named(record: Record, body: Body) -> Run:
    name = body.get("branch")
    if not isinstance(name, str) or name not in record.runs:
        raise Refused("branch is not one of this session's runs.", "branch")
    return record.runs[name]


def _config(service: Service, record: Record, body: Body) -> Any:
    config = settings.resolve(service.families[record.family], body.get("settings", {}))
    _own(record, config)
    return config


def _own(record: Record, config: Any, usual: Any = None) -> Any:
    """The visitor's own data if the settings ask for them."""
    if config.dataset not in OWN:
        return None
    if config.dataset not in record.own:
        raise Refused(f"{OWN[config.dataset]}: {MISSING.get(config.dataset, 'draw or upload some first')}.", "dataset")
    return usual or record.own[config.dataset]


def _plant(service: Service, record: Record, config: Any, found: shelf.Kept | None = None) -> Run:
    """One new, untrained run in place of all there were; or one that was finished before."""
    service.workers.send(record.worker, {"do": "clear", "sid": record.sid})
    own = _own(record, config)
    record.clear()
    service.line.settle(record)
    run = record.new_run(config, settings.kind(config), data=own)
    if found is not None:
        shelf.put(record, run, found)
    service.launch(record, run)
    return run


Act = Callable[["Service", Record, Body], dict[str, Any] | None]
ACTS: dict[str, tuple[Act, tuple[str, ...]]] = {
    "preview": (preview, ("settings",)),
    "revive": (revive, ("preset",)),
    "train": (train, ("settings",)),
    "pause": (pause, ()),
    "step": (step, ("count", "part")),
    "reset": (reset, ()),
    "set": (set_knobs, ("knobs",)),
    "fork": (fork, ("branch", "step", "settings")),
    "rewind": (rewind, ("settings",)),
    "select": (select, ("branch",)),
    "leave": (leave, ()),
    "mark": (mark, ("step", "title")),
}
BUILDS = ("preview", "train", "step", "reset", "set", "fork", "rewind")  # those that need a worker
