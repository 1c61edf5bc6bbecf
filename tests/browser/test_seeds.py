"""Many seeds as dots with an interval: what is drawn against what the server answered, and the statistics against SciPy's."""

import json

import numpy as np
import pytest
from scipy import stats

from playground.sessions import frames
from tests.browser.conftest import open_page, wait_state
from tests.browser.test_film import fast  # noqa: F401

SEEDS = ".scene-seeds"
QUICK = {"steps": 600}
# A scene of its own whose answers are made up here: metrics by seed, for all losses or for one.
FAKE = """async ([answers, count, config]) => {
  const { create } = await import('./play/web/scenes/seeds.js');
  const lab = window.playground, schema = await (await fetch('play/schema')).json();
  document.querySelector('.fake')?.remove();
  const box = document.createElement('div');
  box.className = 'scene scene-seeds fake';
  const room = document.querySelector('.stage-scene');
  room.hidden = false;
  room.append(box);
  const fake = (window.fake = { asked: [], loaded: [], scenes: [], config: { ...lab.state.config, ...config }, box });
  const xy = new Float32Array([0, 1, 1, 0]);
  const view = { panel: 'stage', type: 'points', name: 'samples', role: 'model', arrays: { xy }, shapes: {} };
  const exact = async (config, { foresee, signal }) => {
    fake.asked.push([config.seed, config.objective, foresee]);
    await new Promise((go) => setTimeout(go, fake.pause ?? 0));
    signal.throwIfAborted();
    if (fake.refuse) throw Object.assign(new Error(fake.refuse), { status: 400 });
    if (fake.again) { fake.again--; throw Object.assign(new Error('once more'), { status: 503 }); }
    const about = { seconds: 0.5, twin: 'numba', floors: { sliced_w1: 0.02, reverse_kl: 0.002 }, lost: null };
    if (foresee) return { ...about, rows: [], frame: { views: [] } };
    const m = answers[config.objective]?.[config.seed] ?? answers.all[config.seed];
    if (m.lost) return { ...about, rows: [], lost: m.lost, frame: { views: [] } };
    return { ...about, rows: [{ s: 600, m }], frame: { views: [view] } };
  };
  fake.scene = create(box, { session: { exact }, family: schema.families.gan, tab: {}, metrics: schema.metrics,
    knobs: { config: () => fake.config },
    commands: { scene: (name) => fake.scenes.push(name), load: (config) => fake.loaded.push(config) } });
  const datasets = schema.families.gan.datasets;
  fake.update = () => fake.scene.update({ set: datasets[fake.config.dataset], config: fake.config, backdrop: lab.store.backdrop() });
  fake.update();
  if (count) box.querySelector('select').value = count;
  box.querySelector('select').dispatchEvent(new Event('change'));
}"""
PIXELS = """() => { const c = fake.box.querySelector('[data-metric=sliced_w1] canvas');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return Array.from({ length: d.length / 4 }, (_, i) => d.slice(4 * i, 4 * i + 3).join()); }"""
GOOD = {"modes_covered": 8, "hq_fraction": 0.9, "reverse_kl": 0.01, "sliced_w1": 0.03}


def answers(**special):
    rng = np.random.default_rng(0)
    made = {s: GOOD | {"hq_fraction": float(rng.uniform(0.8, 0.95)), "sliced_w1": float(rng.uniform(0.02, 0.05))} for s in range(8, 41)}
    return made | {int(seed[1:]): value for seed, value in special.items()}


def fake(page, made, count=8, **config):
    made = made if "all" in made else {"all": made}
    page.evaluate(FAKE, [made, count, {"seed": 7, "objective": "r3gan"} | config])
    return page.locator(".fake")


def press(page, scene, done):
    scene.locator(".press").click()
    page.wait_for_function("n => { const d = fake.box.dataset; return d.state === 'idle' && +d.done === n; }", arg=done)


def written(scene, name):
    return scene.locator(f"[data-metric={name}] b").inner_text()


def student(values):
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return np.mean(values), half


def reads(text, values, times=1.0, most=np.inf):
    """Whether "89.9 ± 0.5 %" is the mean of values with its 95 % interval, to the digits written; "6.6 (3.8 to 8.0)" if `most` cuts it."""
    mean, half = student(times * np.asarray(values, float))
    if mean + half > most:
        low, high = (float(end) for end in text.split("(")[1].rstrip(")").split(" to "))
        return (float(text.split()[0]), low, high) == pytest.approx((mean, max(0, mean - half), most), abs=0.051)
    first, second = (part.split()[0] for part in text.split(" ± "))
    digits = len(first.partition(".")[2])
    return first == f"{mean:.{digits}f}" and float(second) == pytest.approx(half, abs=0.51 * 10.0**-digits)


def test_statistics_agree_with_scipy(page):
    ours = page.evaluate(
        """async () => { const s = await import('./play/web/statistics.js'); const df = [1, 2, 3, 4, 7, 15, 30, 31, 99, 500];
        return { df, t: df.map((d) => s.studentQuantile(d)), t99: df.map((d) => s.studentQuantile(d, 0.99)),
          within: df.map((d) => s.studentWithin(1.3, d)),
          wilson: [[0, 8], [8, 8], [31, 32], [16, 32], [1, 1], [0, 1]].map(([k, n]) => [k, n, ...s.wilson(k, n)]),
          mean: s.meanInterval([1, 2, 4, 9]), one: s.meanInterval([3]), none: s.meanInterval([]) }; }"""
    )
    df = np.array(ours["df"])
    np.testing.assert_allclose(ours["t"], stats.t.ppf(0.975, df), rtol=1e-9)
    np.testing.assert_allclose(ours["t99"], stats.t.ppf(0.995, df), rtol=1e-9)
    np.testing.assert_allclose(ours["within"], 1 - 2 * stats.t.sf(1.3, df), rtol=1e-9)
    for k, n, lo, hi in ours["wilson"]:
        exact = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert (lo, hi) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert (ours["mean"]["mean"], ours["mean"]["half"]) == pytest.approx(student([1, 2, 4, 9]))
    assert ours["one"] == {"n": 1, "mean": 3, "half": None, "lo": None, "hi": None} and ours["none"]["mean"] is None


def test_paired_and_exact_tests_agree_with_scipy(page):
    counts = [(8, 8, 3, 8), (20, 32, 9, 32), (15, 16, 8, 16), (0, 8, 0, 8), (5, 10, 5, 12)]
    discordant = [(5, 0), (8, 1), (0, 0), (3, 3), (2, 7), (17, 4)]
    few, many = [0.4, -0.1, 0.3, 0.25, 0.5, 0.1, -0.05, 0.2], [0.1 * (i % 7) - 0.22 for i in range(40)]
    ours = page.evaluate(
        """async ({ counts, discordant, few, many }) => { const s = await import('./play/web/statistics.js');
        return { fisher: counts.map((c) => s.fisher(...c)), mcnemar: discordant.map((d) => s.mcnemar(...d)),
          flips: [s.signFlip(few), s.signFlip(few.map((v) => -v)), s.signFlip([])], many: [s.signFlip(many), s.signFlip(many)] }; }""",
        {"counts": counts, "discordant": discordant, "few": few, "many": many},
    )
    expected = [stats.fisher_exact([[a, n - a], [b, m - b]])[1] for a, n, b, m in counts]
    np.testing.assert_allclose(ours["fisher"], expected, rtol=1e-9)
    for (b, c), p in zip(discordant, ours["mcnemar"], strict=True):
        assert p["exact"] == pytest.approx(stats.binomtest(min(b, c), b + c).pvalue if b + c else 1)
        likely = stats.binom.pmf(min(b, c), b + c, 0.5) if b + c else 0
        assert p["mid"] == pytest.approx(1 - 0.5 * likely if b == c and b else p["exact"] - likely if b + c else 1)
    flipped = stats.permutation_test((np.array(few),), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert ours["flips"] == pytest.approx([flipped, flipped, 1])
    assert ours["many"][0] == ours["many"][1], "the same signs are tried each time"
    assert ours["many"][0] == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.02)


def test_the_interval_of_an_area_is_as_wide_as_areas_vary(page):
    """Against the spread of areas over many draws of two bells."""
    rng, n = np.random.default_rng(0), 200
    areas = [stats.mannwhitneyu(rng.normal(1.2, 1, n), rng.normal(0, 1, n)).statistic / n**2 for _ in range(400)]
    low, high = page.evaluate("async ([a, n]) => (await import('./play/web/statistics.js')).areaInterval(a, n)", [float(np.mean(areas)), n])
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(areas), rel=0.12)
    assert page.evaluate("async () => (await import('./play/web/statistics.js')).areaInterval(1, 20)") == [1, 1]


def test_no_interval_leaves_the_range_of_its_quantity(page):
    ours = page.evaluate(
        """async () => { const s = await import('./play/web/statistics.js'); const w = await import('./play/web/seedwords.js');
        const share = { scale: 'percent', unit: '%', decimals: 1 }; const count = { decimals: 0, name: 'modes_covered' };
        const of = (info, values, range) => w.meanText(info, s.meanInterval(values, range));
        const counts = [[1, 3], [8, 8, 8]].map((values) => of(count, values, [0, 8]));
        return [of(share, [0.7, 1], [0, 1]), ...counts, of(share, [0.5, 0.52, 0.51], [0, 1])]; }"""
    )
    assert ours == ["85.0 % (0.0 to 100.0)", "2.0 (0.0 to 8.0)", "8 in each of 3", "51.0 ± 2.5 %"]


def test_eight_of_eight_and_three_of_eight_from_the_same_seeds_are_told_apart(page):
    worse = {seed: GOOD | {"modes_covered": 8 if seed < 11 else 2} for seed in range(8, 16)}
    scene = fake(page, {"all": answers(), "non-saturating": worse}, objective="non-saturating")
    press(page, scene, 8)
    page.evaluate("() => { fake.config = { ...fake.config, objective: 'r3gan' }; fake.update(); }")
    press(page, scene, 8)
    words = scene.locator(".scene-words").inner_text()
    assert words.endswith("all 8 only now in 5, only before in 0 of 8: McNemar’s mid-p = 0.031, more than luck.")


def test_before_the_press_the_scene_says_which_seeds(page):
    scene = fake(page, answers(), seed=9_995)
    assert scene.locator(".progress").inner_text() == "seeds 9,996–9,999 and 0–3, after yours (9,995)"
    assert "One run may be lucky" in scene.locator(".scene-words").inner_text()
    assert scene.locator(".thumb").count() == 8 and scene.locator(".thumb[aria-disabled=false]").count() == 0
    assert page.evaluate("() => fake.asked") == []


def test_lost_runs_and_runs_short_of_modes_are_told_apart(page):
    lost = "The largest coordinate of a sample reached 4,127 at step 12."
    made = answers(s9={"lost": lost}, s10=GOOD | {"modes_covered": 6}, s11=GOOD | {"modes_covered": 0, "reverse_kl": None})
    scene = fake(page, made)
    press(page, scene, 8)
    low, high = (round(100 * end) for end in stats.binomtest(5, 8).proportion_ci(method="wilson"))
    assert (
        scene.locator(".scene-words")
        .inner_text()
        .startswith(f"8 of 8 modes in 5 of 8 seeds, 1 lost (63 %, 95 % interval {low}–{high} %, Wilson).")
    )
    kinds = [scene.locator(f".thumb[data-seed='{seed}']").get_attribute("data-kind") for seed in (8, 9, 10, 11)]
    assert kinds == ["full", "lost", "part", "part"]
    assert scene.locator(".thumb[data-seed='10']").inner_text() == "6"
    assert lost in scene.locator(".thumb[data-seed='9']").get_attribute("aria-label")
    assert scene.locator(".key .lost").is_visible()
    alive = [made[s] for s in range(8, 16) if s != 9]
    assert reads(written(scene, "sliced_w1"), [m["sliced_w1"] for m in alive]), "lost runs have no value"
    assert reads(written(scene, "hq_fraction"), [m["hq_fraction"] for m in alive], 100)
    assert reads(written(scene, "modes_covered"), [m["modes_covered"] for m in alive], most=8)
    assert written(scene, "reverse_kl") == "0.010 in each of 6", "from the runs in which it is defined"
    red = page.evaluate(PIXELS).count("168,19,63")
    assert red > 4, "the lost run is drawn beside the axis"


def test_the_set_before_stays_as_a_ghost_with_what_changed(page):
    worse = {seed: GOOD | {"modes_covered": 1 + seed % 2} for seed in range(8, 16)}
    scene = fake(page, {"all": answers(), "non-saturating": worse}, objective="non-saturating")
    press(page, scene, 8)
    page.evaluate("() => { fake.config = { ...fake.config, objective: 'r3gan', r1: 0.3, seed: 11 }; fake.update(); }")
    assert "Settings have changed" in scene.locator(".scene-words").inner_text()
    assert scene.get_attribute("data-other") is not None
    press(page, scene, 8)
    assert scene.get_attribute("data-ghost") == "8"
    asked = page.evaluate("() => fake.asked.filter((a) => !a[2])")
    assert [a[0] for a in asked] == [*range(8, 16)] * 2, "a seed that was loaded keeps the set: the same seeds again"
    words = scene.locator(".scene-words").inner_text()
    assert "8 of 8 modes in 8 of 8 seeds" in words and "before: 0 of 8 (0–32 %)" in words
    assert "Loss Non-saturating → R3GAN" in words and "0.1 → 0.3" in words
    assert words.endswith("only now in 8, only before in 0 of 8: McNemar’s mid-p = 0.004, more than luck.")
    assert "before: 1.5 ± 0.4" in scene.locator("[data-metric=modes_covered] canvas").get_attribute("aria-label")


def test_stop_keeps_what_there_is_and_goes_on_from_there(page):
    scene = fake(page, answers(), count=16)
    page.evaluate("() => { fake.pause = 60; }")
    scene.locator(".press").click()
    page.wait_for_function("() => +fake.box.dataset.done >= 3")
    assert "left" in scene.locator(".progress").inner_text() and scene.locator(".press").inner_text() == "Stop"
    scene.locator(".press").click()
    page.wait_for_function("() => fake.box.dataset.state === 'idle'")
    kept = int(scene.get_attribute("data-done"))
    assert 3 <= kept < 16 and scene.locator(".press").inner_text() == f"Train {16 - kept} more"
    page.wait_for_timeout(200)
    assert int(scene.get_attribute("data-done")) == kept
    page.evaluate("() => { fake.pause = 0; fake.asked.length = 0; }")
    press(page, scene, 16)
    assert min(a[0] for a in page.evaluate("() => fake.asked")) == 8 + kept, "nothing is trained twice"
    assert scene.locator(".press").get_attribute("aria-disabled") == "true"


def test_a_refusal_is_shown_and_a_passing_one_is_asked_again(page):
    scene = fake(page, answers())
    page.evaluate("() => { fake.refuse = 'steps=20,000 would take about 159 s of one core here.'; }")
    press(page, scene, 0)
    assert scene.locator(".scene-words").inner_text() == "steps=20,000 would take about 159 s of one core here."
    page.evaluate("() => { fake.refuse = ''; fake.again = 2; }")
    press(page, scene, 8)


def test_pointing_at_a_picture_marks_its_dots_and_the_keyboard_does_too(page):
    scene = fake(page, answers())
    press(page, scene, 8)
    page.wait_for_timeout(100)
    before = page.evaluate(PIXELS)
    scene.locator(".thumb[data-seed='10']").focus()
    page.wait_for_timeout(100)
    assert page.evaluate(PIXELS) != before
    assert scene.locator(".key").inner_text().startswith("Seed 10: 8 of 8 modes · High quality")
    page.keyboard.press("Enter")
    assert [c["seed"] for c in page.evaluate("() => fake.loaded")] == [10] and page.evaluate("() => fake.scenes") == [None]


# --- against the real server ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def live(browser, fast):  # noqa: F811
    page = open_page(browser, fast)
    page.wait_for_function("() => window.playground.store.header.engine === 'numba'", timeout=120_000)
    page.evaluate("() => window.playground.commands.preset('collapse')")
    page.evaluate("q => Object.assign(window.playground.state, { config: { ...window.playground.state.config, ...q } })", QUICK)
    page.evaluate("() => window.playground.commands.scene('seeds')")
    page.locator(f"{SEEDS} select").select_option("8")
    yield page
    bad = list(page.watch.bad)
    page.context.close()
    assert not bad, "\n".join(bad)


@pytest.mark.slow
def test_a_press_draws_what_the_server_answers(live):
    replies = []
    live.on("response", lambda r: replies.append(r) if r.url.endswith("what-if") else None)
    live.locator(f"{SEEDS} .press").click()
    live.wait_for_function("() => +document.querySelector('.scene-seeds').dataset.done === 8", timeout=60_000)
    ends = {}
    for reply in replies:
        header, _ = frames.unpack(reply.body())
        if header["rows"]:
            ends[json.loads(reply.request.post_data)["settings"]["seed"]] = header["rows"][0]["m"]
    assert sorted(ends) == [*range(8, 16)]
    scene = live.locator(SEEDS)
    for name, times, most in (("modes_covered", 1, 8), ("hq_fraction", 100, 100), ("sliced_w1", 1, np.inf)):
        assert reads(written(scene, name), [m[name] for m in ends.values()], times, most), name
    full = sum(m["modes_covered"] == 8 for m in ends.values())
    low, high = (round(100 * end) for end in stats.binomtest(full, 8).proportion_ci(method="wilson"))
    assert f"8 of 8 modes in {full} of 8 seeds ({full / 8:.0%}".replace("%", " %") in scene.locator(".scene-words").inner_text()
    assert f"interval {low}–{high} %" in scene.locator(".scene-words").inner_text()
    live.locator(".thumb[data-seed='12']").click()
    live.wait_for_function("() => window.playground.store.active?.info.config.seed === 12")
    wait_state(live, "finished", seconds=30)
    assert live.locator("#gan-knob-seed").input_value() == "12" and live.evaluate("() => window.playground.area.scenes.current") is None
    live.evaluate("() => window.playground.commands.newest()")
    live.wait_for_function("() => window.playground.store.step === 600")
    for name in ("modes_covered", "hq_fraction", "sliced_w1"):
        assert live.evaluate("n => window.playground.store.value(n, 600)", name) == ends[12][name], "the very same run"


@pytest.mark.slow
def test_the_visitors_own_run_may_change_meanwhile(live):
    live.locator(f"{SEEDS} .press").click()
    live.wait_for_function("() => +document.querySelector('.scene-seeds').dataset.done >= 1", timeout=60_000)
    live.evaluate("() => window.playground.commands.reset()")
    live.evaluate("() => window.playground.commands.scene(null)")
    live.wait_for_function("() => +document.querySelector('.scene-seeds').dataset.done === 8", timeout=60_000)
    live.watch.forgive("503")
