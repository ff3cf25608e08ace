"""What a request's choices cost is told as of now, and the journal says it once."""

from __future__ import annotations

from core.engine import costs, runway
from core.events import event as e
from core.model.site import RunSettings
from core.model.units import show_kib
from tests.playbooks.test_engine_nights import lines, night
from tests.support.world import Faults, World


def seen_of(world: World) -> tuple[list[dict[int, dict[str, str]]], list[str]]:
    """What `costs.changed` told at each moment of a night, as far as it changed, and by when to act and why."""
    told: list[dict[int, dict[str, str]]] = [{}]
    acts: list[str] = []
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        state = world.engine.state
        if (now := costs.changed(state)) != told[-1]:
            told.append(now)
        acts.append(runway.act(state).text)
        for id, effects in now.items():
            assert set(effects) <= {choice.name for choice in state.questions[id].asked.choices}, "nothing new is offered"

    world.give = watch  # type: ignore[method-assign, assignment]
    world.play(lines(world.sizes))
    return told, acts


def test_degraded_mode_costs_what_waits_by_now_not_what_waited_when_it_was_asked() -> None:
    world = night({("a", "/x"): 1000, ("b", "/y"): 2000}, run=RunSettings(request_deadline=600.0),
                  faults=Faults(volume=lambda n: "none" if n < 20 else "ok"))
    told, acts = seen_of(world)
    asked = [fact for fact in world.facts if isinstance(fact, e.QuestionAsked)]
    assert len(asked) == 1, "the journal does not grow by what moves"
    first = next(choice.effect for choice in asked[0].choices if choice.name == "degrade")
    assert "what waits for it, 0 B so far, stays on the holding disk" in first
    degrade = [now[1]["degrade"] for now in told if now]
    assert len(degrade) == 2 and "what waits for it, 2.9 MiB so far, stays on the holding disk" in degrade[-1]
    assert set(told[-1]) == set(), "a request that is closed costs nothing"
    assert any("degrade in" in act and "2.9 MiB so far" in act for act in acts), "and so says by when to act"


def test_a_request_for_room_says_what_is_missing_by_now() -> None:
    world = night({("a", "/x"): 400, ("b", "/y"): 400}, holding=[("/h1", 1024)], run=RunSettings(request_deadline=300.0),
                  faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done", volume=lambda n: "none"))
    give, told = world.give, list[tuple[str, str]]()

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        state = world.engine.state
        for question in state.questions.values():
            job = state.job_of(question.subject) if question.about == "room" else None
            if job is None:
                assert question.asked.id not in costs.texts(state)
                continue
            now = costs.texts(state).get(question.asked.id, question.asked.text)
            free = sum(hold.free for hold in state.holds.values())
            assert f"{show_kib(free)} free, " in now, "the figures are those of now"
            told.append((question.asked.text, now))
            for hold in state.holds.values():
                hold.free += 1024  # somebody makes room
            assert f"{show_kib(free + 1024 * len(state.holds))} free, " in costs.texts(state)[question.asked.id]
            for hold in state.holds.values():
                hold.free -= 1024

    world.give = watch  # type: ignore[method-assign, assignment]
    world.play(lines(world.sizes))
    assert told


def test_of_a_request_for_room_only_what_is_different_by_now_is_told() -> None:
    world = night({("a", "/x"): 400, ("b", "/y"): 400}, holding=[("/h1", 1024)], run=RunSettings(request_deadline=300.0),
                  faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done", volume=lambda n: "none"))
    told, _ = seen_of(world)
    asked = {fact.id: fact for fact in world.facts if isinstance(fact, e.QuestionAsked)}
    assert any(fact.code == "HLD003" for fact in asked.values())
    for effects in (effects for now in told for effects in now.items()):
        id, new = effects
        frozen = {choice.name: choice.effect for choice in asked[id].choices}
        assert all(effect != frozen[name] for name, effect in new.items()), "only what is different is told"
