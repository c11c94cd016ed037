# SPDX-License-Identifier: Apache-2.0
"""What a person does on the page, with fake_blender as the Blender."""
import json
import os
import signal

import pytest
import tokens
from daemon import wait_for

JSON = {"Content-Type": "application/json"}
NEVER = "wait_file /nonexistent/file"  # no frame comes
ROWS = "await page.locator('.row[data-job]')"


def post(d, headers=None, **spec):
    answer = d.ask("POST", "/v1/jobs", json.dumps({"blend": "scene.blend", **spec}), {**JSON, **(headers or {})})
    assert answer.status == 202, answer
    return answer.json()["id"]


def until(d, job, headers=None, **fields):
    return wait_for(lambda: (lambda now: now if all(now[k] == v for k, v in fields.items()) else None)(d.ask("GET", f"/v1/jobs/{job}", None, headers or {}).json()),
                    f"{job} is {fields}")


def test_frames_appear_while_they_render(start, browser, tmp_path):
    d = start(f"wait_file {tmp_path}/go", "samples 4", arguments=["--sandbox-read", tmp_path])
    browser.open(d.url())
    browser.see("Nothing has been rendered yet")
    job = post(d, frames="1-3", name="shot 010")
    browser.run("await page.getByRole('link', { name: 'shot 010' }).click()")
    browser.state("Rendering")
    (tmp_path / "go").write_text("")
    browser.state("Done")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('.picture canvas.drawn').length === 3)")
    browser.see("All 3 frames are done and verified.")
    assert browser.run("return page.title()") == "Done · shot 010 · Kiln"
    assert "3 done" in browser.run("return page.locator('.map canvas').getAttribute('aria-label')")
    browser.run("await page.getByRole('button', { name: 'Frame 2' }).click(); await page.locator('.viewer img').waitFor()")
    assert browser.run("return page.locator('.viewer img').evaluate((it) => it.decode().then(() => it.naturalWidth))") > 0
    browser.run("await page.keyboard.press('ArrowRight'); await page.getByRole('heading', { name: 'Frame 3' }).waitFor(); await page.keyboard.press('Escape')")
    browser.click("Log")
    browser.run("await page.locator('.log pre').waitFor()")
    browser.click("Download")
    assert f"kiln get {job}" in browser.run("return page.locator('section.get').innerText()")
    got = browser.run("const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download frames.zip' }).click()]); return file.path()")
    with open(got, "rb") as archive:
        assert archive.read(2) == b"PK"


def test_a_dropped_blend_is_rendered(start, browser):
    d = start()
    browser.open(d.url())
    browser.see("Nothing has been rendered yet")
    drop = """
        const data = await page.evaluateHandle(([name, text]) => {
          const made = new DataTransfer();
          made.items.add(new File([text], name));
          return made;
        }, [args.name, args.text]);
        await page.dispatchEvent('body', 'drop', { dataTransfer: data });"""
    browser.run(drop, name="notes.txt", text="hello")
    browser.see("is not a .blend")
    browser.run(drop, name="broken.blend", text="hello")
    browser.run("await page.locator('.upload .notice.bad').waitFor()")
    browser.run(drop, name="kettle.blend", text="BLENDER-v304\nsamples 2\n")
    browser.run("await page.getByRole('button', { name: 'Another file' }).waitFor(); await page.locator('.upload .notice.bad').waitFor({ state: 'detached' })")
    assert browser.run("return page.inputValue('#f-name')") == "kettle"
    browser.run("await page.fill('#f-frames', '9-1'); await page.locator('summary').click(); await page.fill('#f-samples', '0'); await page.keyboard.press('Enter')")
    browser.run("await page.locator('#f-frames[aria-invalid]').waitFor(); await page.locator('#f-samples[aria-invalid]').waitFor()")
    assert browser.run("return page.evaluate(() => document.activeElement.id)") == "f-frames"
    browser.run("await page.fill('#f-samples', ''); await page.fill('#f-frames', '1-2'); await page.getByRole('button', { name: 'Render 2 frames' }).click()")
    browser.state("Done")
    browser.run("await page.getByRole('link', { name: 'Render again…' }).click(); await page.getByText('The same file as before').waitFor()")
    browser.run("await page.fill('#f-frames', '5'); await page.getByRole('button', { name: 'Render 1 frame' }).click()")
    browser.state("Done")
    assert [job["frames"]["set"] for job in d.get("/v1/jobs").json()["jobs"]] == ["5", "1,2"]


def test_a_failure_is_a_sentence_with_what_to_do(start, browser):
    d = start("skip_frame 2", "skip_frame 3")
    job = post(d, frames="1-4", retries=0)
    until(d, job, state="failed")
    browser.open(d.url(f"#/jobs/{job}"))
    browser.state("Failed")
    said = browser.run("return page.locator('.notice.bad').innerText()")
    assert d.get(f"/v1/jobs/{job}").json()["failure"]["message"][1:20] in said and "log" in said
    browser.run("await page.keyboard.press(']'); await page.locator('[data-failure]:focus').waitFor()")
    assert "2–3" in browser.run("return page.locator('.failures').innerText()")
    browser.click("Retry what is missing")
    wait_for(lambda: d.get(f"/v1/jobs/{job}").json()["attempts"] > 1, "it is tried again")


def test_a_job_is_paused_goes_on_is_canceled_and_deleted(start, browser):
    d = start("frame_seconds 0.3")
    job = post(d, frames="1-500")
    browser.open(d.url(f"#/jobs/{job}"))
    browser.click("Pause")
    browser.state("Paused")
    browser.click("Go on")
    browser.state("Rendering")
    browser.click("Cancel")
    browser.click("Keep it")
    assert d.get(f"/v1/jobs/{job}").json()["wanted"] == "run"
    browser.click("Cancel")
    browser.click("Cancel the job")
    browser.state("Canceled")
    browser.click("Delete")
    browser.run("await page.locator('dialog').getByRole('button', { name: 'Delete' }).click()")
    browser.see("Nothing has been rendered yet")
    assert d.get(f"/v1/jobs/{job}").status == 404


def test_a_job_deleted_while_it_is_looked_at(start, browser):
    d = start()
    job = post(d, frames="1")
    until(d, job, state="succeeded")
    browser.open(d.url(f"#/jobs/{job}"))
    browser.state("Done")
    browser.click("Delete")
    browser.run("await page.locator('dialog').getByRole('button', { name: 'Delete' }).waitFor()")
    assert d.ask("DELETE", f"/v1/jobs/{job}").status == 204
    browser.see("This job is gone")
    browser.run("await page.locator('dialog').getByRole('button', { name: 'Delete' }).click()")
    browser.see("This job is gone")


def test_names_are_text_whatever_they_contain(start, browser):
    d = start(NEVER)
    names = ["<img src=x onerror=alert(1)><script>alert(2)</script>", "‮gnp.exe مشهد الفرن", "x" * 200, "&amp; \"quoted\" 'too'", "🔥" * 50]
    made = [post(d, frames="1", name=name, tags=["<b>"]) for name in names]
    for width in (320, 1440):
        browser.open(d.url(), width=width)
        browser.run(f"{ROWS}.nth(4).waitFor()")
        assert browser.run("return page.locator('.c-name bdi').allTextContents()") == names[::-1]
        for fragment in ("", *(f"#/jobs/{job}" for job in made[:3])):
            browser.run("await page.evaluate((it) => { location.hash = it; }, args.to); await page.waitForFunction((it) => !it || document.querySelector('main.job h1'), args.to)", to=fragment)
            assert browser.run("return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)") <= 0, (width, fragment)
    assert browser.run("return page.locator('main h1 bdi').textContent()") == names[2]


def test_tokens(start, browser, tmp_path):
    d = start()
    d.stop()
    submit, look = tokens.add(d.state, "ada", "submit"), tokens.add(d.state, "guest", "read")
    d.start()
    headers = tokens.bearer(submit)
    job = post(d, headers, frames="1-2", name="hers")
    until(d, job, headers, state="succeeded")
    browser.open(d.url(f"#/jobs/{job}"))
    browser.see("This kilnd needs a token.")
    browser.see("kilnd token add")
    assert browser.run("return axe()") == []
    browser.run("await page.fill('#token', 'kiln_wrong'); await page.keyboard.press('Enter')")
    browser.see("This token is not valid, or has expired.")
    browser.run("await page.fill('#token', args.secret); await page.keyboard.press('Enter')", secret=look)
    browser.state("Done")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('.picture canvas.drawn').length === 2); await page.locator('.link-state.live').waitFor()")
    browser.click("Delete")
    browser.run("await page.locator('dialog').getByRole('button', { name: 'Delete' }).click(); await page.locator('.notice.bad .request').waitFor()")
    browser.run("await page.reload()")
    browser.state("Done")  # the tab keeps its token
    browser.click("Sign out")
    browser.see("You have signed out.")
    assert browser.run("return page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))") == "{}"
    assert not [url for url in browser.run("return seen.requests") if look in url]
    browser.open(d.url("#/jobs"), storage=False)
    browser.run("await page.fill('#token', args.secret); await page.keyboard.press('Enter'); await page.getByRole('link', { name: 'hers' }).waitFor()", secret=submit)


def test_kilnd_goes_away_and_comes_back(start, browser):
    d = start()
    browser.open(d.url())
    browser.run("await page.locator('.link-state.live').waitFor()")
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    d.stop()
    browser.run("await page.locator('.link-state.reconnecting').waitFor()")
    d.start()
    job = post(d, frames="1", name="after")
    browser.run("await page.locator('.link-state.live').waitFor(); await page.getByRole('link', { name: 'after' }).waitFor()")
    until(d, job, state="succeeded")
    browser.run("await page.locator('.state.succeeded').waitFor()")


def test_keys(start, browser):
    d = start(NEVER)
    first, second = post(d, frames="1", name="first"), post(d, frames="1", name="second")
    browser.open(d.url())
    browser.run(f"{ROWS}.nth(1).waitFor(); await page.keyboard.press('j'); await page.keyboard.press('j'); await page.keyboard.press('k'); await page.keyboard.press('j'); await page.keyboard.press('Enter')")
    browser.run("await page.waitForURL((url) => url.hash === args.hash)", hash=f"#/jobs/{first}")
    browser.run("await page.keyboard.press('g'); await page.locator('main.jobs').waitFor(); await page.keyboard.press('/'); await page.keyboard.type('sec')")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('.row[data-job]').length === 1); await page.waitForURL(/q=sec/); await page.keyboard.press('Tab')")
    browser.run("await page.locator('.row[data-job] a').focus(); await page.keyboard.press('p')")
    until(d, second, wanted="pause")
    browser.run("await page.keyboard.press('?'); await page.getByRole('heading', { name: 'Keys' }).waitFor(); await page.getByLabel('Use these keys').uncheck(); await page.keyboard.press('Escape')")
    browser.run("await page.locator('.row[data-job] a').focus(); await page.keyboard.press('n')")
    assert "new" not in browser.run("return page.url()")


def test_a_new_screen_takes_the_focus_at_once(start, browser):
    """And never later: a letter typed meanwhile belongs to the field that was chosen."""
    d = start(NEVER)
    job = post(d, frames="1", name="first")
    browser.open(f"{d.url()}#/jobs/{job}")
    browser.run("await page.getByRole('heading', { name: 'first' }).waitFor()")
    seen = browser.run("""return page.evaluate(() => new Promise((tell) => {
        const watch = new MutationObserver(() => {
            const field = document.querySelector('main.jobs input[type=search]');
            if (!field) return;
            watch.disconnect();
            const before = document.activeElement.id;
            field.focus();
            setTimeout(() => tell([before, document.activeElement.type]), 500);
        });
        watch.observe(document.body, { childList: true, subtree: true });
        location.hash = '#/jobs';
    }))""")
    assert seen == ["main", "search"]


def test_seven_tabs_share_a_stream(start, browser):
    d = start()
    browser.open(d.url())
    browser.run("for (let n = 0; n < 6; n++) await (await context.newPage()).goto(page.url());"
                "for (const each of context.pages()) await each.locator('.link-state.live').waitFor();")
    assert d.waiting() == 1
    post(d, frames="1", name="for all")
    browser.run("for (const each of context.pages()) await each.getByRole('link', { name: 'for all' }).waitFor();")
    browser.run("await context.pages()[0].close()")  # another one reads now
    wait_for(lambda: d.waiting() == 1, "another tab reads")
    post(d, frames="1", name="later")
    browser.run("for (const each of context.pages()) await each.getByRole('link', { name: 'later' }).waitFor();")


def test_thousands_are_not_all_in_the_page(start, browser):
    d = start(NEVER, arguments=["--max-queued", "500"])
    for number in range(300):
        post(d, frames="1-20000" if number == 0 else "1", name=f"job {number}")
    browser.open(d.url())
    browser.run("await page.getByRole('button', { name: /^All/ }).getByText('300').waitFor()")
    assert browser.run("return page.locator('.row[data-job]').count()") < 80
    browser.run("await page.evaluate(() => scrollTo(0, document.body.scrollHeight)); await page.getByRole('link', { name: 'job 0', exact: true }).waitFor()")
    browser.run("await page.getByRole('link', { name: 'job 0', exact: true }).click();")
    browser.run("await page.waitForFunction(() => /20\\D000 frames/.test(document.querySelector('.map canvas')?.getAttribute('aria-label')))")
    assert browser.run("return page.locator('.pictures li').count()") < 120


@pytest.mark.parametrize("theme, width", [("light", 1440), ("dark", 1440), ("light", 320), ("dark", 320)])
def test_axe_finds_nothing(start, browser, theme, width):
    d = start("skip_frame 2", "samples 2")
    browser.open(d.url(), theme=theme, width=width, height=700)
    browser.see("Nothing has been rendered yet")
    assert browser.run("return axe()") == []
    failed = post(d, frames="1-4", retries=0, name="failed")
    until(d, failed, state="failed")
    screens = {"#/jobs": f"{ROWS}.first().waitFor()", f"#/jobs/{failed}": "await page.locator('.failures').waitFor()",
               f"#/jobs/{failed}?frame=1": "await page.locator('.viewer img').waitFor()", f"#/jobs/{failed}?tab=log": "await page.locator('.log pre').waitFor()",
               f"#/jobs/{failed}?tab=settings": "await page.locator('.settings').first().waitFor()", f"#/jobs/{failed}?tab=download": "await page.locator('.line').first().waitFor()",
               "#/new": "await page.locator('.drop').waitFor(); await page.locator('summary').click()", "#/jobs/j06h0nhrgvkx9ez8bgq": "await page.getByText('This job is gone').waitFor()"}
    for fragment, before in screens.items():
        browser.run("await page.evaluate((it) => { location.hash = it; }, args.to)", to=fragment)
        browser.run(before)
        assert browser.run("return axe()") == [], fragment
        assert browser.run("return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)") <= 0, fragment


def test_jobs_are_chosen_and_changed_together(start, browser):
    d = start(NEVER)
    made = [post(d, frames="1", name=f"shot {number}") for number in range(5)]  # the newest is at the top
    browser.open(d.url())
    browser.run(f"{ROWS}.nth(4).waitFor(); await page.getByLabel('Choose shot 4').click(); await page.getByLabel('Choose shot 2').click({{ modifiers: ['Shift'] }})")
    assert "3 jobs chosen" in browser.run("return page.locator('.chosen').innerText()")
    assert browser.run("return page.locator('.c-pick input').evaluateAll((all) => all.map((it) => it.checked))") == [True] * 3 + [False] * 2
    assert browser.run("return axe()") == []
    browser.run("await page.locator('.chosen').getByRole('button', { name: 'Pause' }).click()")
    for number in (4, 3, 2):
        until(d, made[number], wanted="pause")
    browser.run("await page.locator('.chosen').getByRole('button', { name: 'None' }).click(); await page.getByRole('link', { name: 'shot 1' }).focus();"
                "await page.keyboard.press('x'); await page.keyboard.press('j'); await page.keyboard.press('Shift+X')")
    assert "2 jobs chosen" in browser.run("return page.locator('.chosen').innerText()")
    browser.run("await page.locator('.chosen').getByRole('button', { name: 'Cancel' }).click()")
    browser.click("Cancel them")
    for number in (1, 0):
        until(d, made[number], state="canceled")
    browser.run("await page.locator('.chosen').getByRole('button', { name: 'Delete' }).click(); await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();"
                "await page.waitForFunction(() => document.querySelectorAll('.row[data-job]').length === 3)")
    assert d.get(f"/v1/jobs/{made[0]}").status == 404 and d.get(f"/v1/jobs/{made[4]}").json()["wanted"] == "pause"


def test_a_search_is_made_by_kilnd(start, browser):
    d = start(NEVER)
    post(d, frames="1", name="kettle", tags=["night"])
    post(d, frames="1", name="pot")
    browser.open(d.url("#/jobs?q=night"))
    browser.run("await page.getByRole('link', { name: 'kettle' }).waitFor()")
    assert browser.run(f"return {ROWS[6:]}.count()") == 1
    post(d, frames="1", name="lamp", tags=["night"])  # found as soon as it is there
    browser.run("await page.getByRole('link', { name: 'lamp' }).waitFor()")
    browser.run("await page.fill('input[type=search]', 'x'.repeat(10_000)); await page.locator('.notice.bad').waitFor()")
    browser.run("await page.fill('input[type=search]', ''); await page.getByRole('link', { name: 'pot' }).waitFor()")


def test_frames_are_played_and_compared(start, browser):
    d = start("samples 1")
    first, second = post(d, frames="1-4", name="before"), post(d, frames="1-4", name="after")
    for job in (first, second):
        until(d, job, state="succeeded")
    browser.open(d.url(f"#/jobs/{second}?frame=2"))
    browser.run("await page.locator('.stage img').waitFor(); await page.keyboard.press('Space'); await page.getByRole('button', { name: 'Stop' }).waitFor();"
                "await page.getByRole('heading', { name: 'Frame 4' }).waitFor(); await page.getByRole('heading', { name: 'Frame 1' }).waitFor();"  # from the beginning again
                "await page.keyboard.press('Space'); await page.getByRole('button', { name: 'Play' }).waitFor()")
    browser.run("await page.getByLabel('Compare with').selectOption({ index: 1 }); await page.locator('.stage .over').waitFor(); await page.getByLabel('This one up to').fill('20')")
    assert "20%" in browser.run("return page.locator('.stage .over').evaluate((it) => it.style.clipPath)")
    assert browser.run("return axe()") == []
    browser.click("Zoom in")
    assert browser.run("return page.locator('.stage').evaluate((it) => it.scrollWidth > it.clientWidth)")


def test_what_kilnd_has_is_told(start, browser, tmp_path):
    d = start(NEVER)
    browser.open(d.url("#/system"))
    browser.see("Ready")
    post(d, frames="1")
    browser.see("1 of 1")  # the slot, read again
    text = browser.run("return page.locator('main').innerText()")
    assert str(tmp_path) in text and "3.4.1" in text and "No tokens" in text
    for theme, width in (("light", 1440), ("dark", 320)):
        browser.open(d.url("#/system"), theme=theme, width=width)
        browser.see("Project roots")
        assert browser.run("return axe()") == []
        assert browser.run("return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)") <= 0


def test_a_job_of_100000_frames_is_a_few_kilobytes(start, browser):
    d = start(NEVER)
    job = post(d, frames="1-100000")
    browser.open(d.url(f"#/jobs/{job}"))
    browser.run("await page.waitForFunction(() => /100\\D000 frames/.test(document.querySelector('.map canvas')?.getAttribute('aria-label')))")
    asked = [url for url in browser.run("return seen.requests") if f"{job}/frames" in url]
    assert asked and all(url.endswith("/map") for url in asked), asked
    assert browser.run("return page.locator('.pictures li').count()") < 120


def test_a_browser_whose_clock_is_an_hour_off(start, browser):
    d = start(NEVER)
    post(d, frames="1", name="now")
    for hours in (-1, 1):
        browser.open(d.url(), clock=hours)
        browser.run(f"{ROWS}.first().waitFor()")
        assert "just now" in browser.run("return page.locator('.row[data-job] .c-age').innerText()"), hours


def test_a_job_of_forced_colours_and_400_percent(start, browser):
    d = start("skip_frame 2")
    job = post(d, frames="1-4", retries=0, name="failed")
    until(d, job, state="failed")
    for how in ({"forced": "active"}, {"width": 320, "height": 256, "scale": 4}):  # 1280 pixels at 400 %
        for fragment in ("#/jobs", f"#/jobs/{job}", "#/new", "#/system"):
            browser.open(d.url(fragment), **how)
            browser.run("await page.locator('main h1').waitFor(); await page.waitForTimeout(300)")
            assert browser.run("return axe()") == [], (how, fragment)
            assert browser.run("return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)") <= 0, (how, fragment)


def test_a_token_that_ends_while_the_page_is_open(start, browser):
    d = start(NEVER)
    d.stop()
    secret = tokens.add(d.state, "ada", "submit")
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    d.start()
    job = post(d, tokens.bearer(secret), frames="1", name="hers")
    browser.open(d.url(f"#/jobs/{job}?tab=settings"))
    browser.run("await page.fill('#token', args.secret); await page.keyboard.press('Enter')", secret=secret)
    browser.state("Rendering")
    d.stop()
    assert tokens.token("remove", "ada", state=d.state).returncode == 0
    other = tokens.add(d.state, "ada2", "admin")
    d.start()
    browser.see("This token is not valid, or has expired.")
    assert browser.run("return page.locator('main.job h1').innerText()") == "hers"  # what was seen stays below
    browser.run("await page.fill('#token', args.secret); await page.keyboard.press('Enter'); await page.locator('dialog').waitFor({ state: 'detached' })", secret=other)
    assert browser.run("return page.url()").endswith("tab=settings")
    browser.run("await page.locator('.link-state.live').waitFor()")


def test_a_page_of_an_older_build_asks_to_be_reloaded(start, browser):
    d = start(NEVER)
    browser.open(d.url())
    browser.run("await page.locator('.link-state.live').waitFor()")
    # kilnd is another one: its index names other files.
    browser.run("await page.route(page.url().split('#')[0], async (route) => { const answer = await route.fetch();"
                "await route.fulfill({ response: answer, body: (await answer.text()).replace(/app-[0-9a-f]+/, 'app-0123456789ab') }); })")
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    d.stop()
    browser.run("await page.locator('.link-state.reconnecting').waitFor()")
    d.start()
    browser.see("kilnd has a newer page.")
    browser.run("await page.unroute(page.url().split('#')[0]); await page.getByRole('button', { name: 'Reload' }).click(); await page.locator('.link-state.live').waitFor()")
    assert browser.run("return page.locator('.banner').count()") == 0


def test_a_stream_that_stops_is_opened_anew(start, browser):
    """The connection stands, but nothing comes: as of a proxy that forgot it."""
    d = start(NEVER)
    browser.open(d.url(), clock=1e-9)  # the browser's own, so that it can be put forward
    browser.run("await page.locator('.link-state.live').waitFor()")
    os.kill(d.process.pid, signal.SIGSTOP)
    try:
        browser.run("await context.clock.fastForward(41_000); await page.locator('.link-state.reconnecting').waitFor()")
        browser.run("await context.clock.fastForward(21_000)")
        browser.see("Stale for")
    finally:
        os.kill(d.process.pid, signal.SIGCONT)
    post(d, frames="1", name="meanwhile")
    browser.run("await context.clock.fastForward(31_000); await page.locator('.link-state.live').waitFor(); await page.getByRole('link', { name: 'meanwhile' }).waitFor()")


def test_thousands_of_jobs_end_at_once(start, browser):
    d = start(NEVER, arguments=["--max-queued", "3000"])
    made = [post(d, frames="1", name=f"job {number}") for number in range(2000)]
    browser.open(d.url())
    browser.run("await page.locator('.chip.queued').getByText(/1.999/).waitFor()")
    for job in made:
        d.ask("POST", f"/v1/jobs/{job}/cancel")
    browser.run("await page.locator('.chip.canceled').getByText(/2.000/).waitFor()")
    browser.run("await page.getByRole('link', { name: 'job 1999', exact: true }).click()")
    browser.state("Canceled")


def test_a_job_that_another_one_removes_goes(start, browser):
    d = start("samples 1")
    jobs = [post(d, frames="1", name=name) for name in ("stays", "goes")]
    for job in jobs:
        until(d, job, state="succeeded")
    browser.open(d.url())
    browser.run(f"{ROWS}.nth(1).waitFor(); await page.locator('.link-state.live').waitFor()")
    assert d.ask("DELETE", f"/v1/jobs/{jobs[1]}").status == 204
    browser.run("await page.getByRole('link', { name: 'goes' }).waitFor({ state: 'detached' }); await page.getByRole('link', { name: 'stays' }).waitFor()")


def test_a_file_on_the_server_is_chosen(start, browser, tmp_path):
    (tmp_path / "shots/010 <b>&").mkdir(parents=True)
    (tmp_path / "shots/010 <b>&/a.blend").write_text("BLENDER-v304\n")
    (tmp_path / "shots/main.blend").write_text("BLENDER-v304\n")
    d = start(arguments=["--project-root", str(tmp_path / "shots")])
    browser.open(d.url("#/new"), width=320)
    browser.run("await page.getByRole('button', { name: 'It is on the server already' }).click(); await page.getByRole('button', { name: 'main.blend' }).click();"
                "await page.getByRole('button', { name: '010 <b>&/' }).click(); await page.getByRole('button', { name: 'a.blend' }).waitFor()")
    assert browser.run("return axe()") == []
    assert browser.run("return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)") <= 0
    browser.run("await page.getByRole('button', { name: 'a.blend' }).click(); await page.getByRole('button', { name: 'One up' }).click(); await page.getByRole('button', { name: 'main.blend' }).waitFor()")
    assert browser.run("return page.locator('#f-blend').inputValue()") == "010 <b>&/a.blend"
    browser.run("await page.locator('#f-frames').fill('1'); await page.locator('#f-frames').press('Enter')")
    browser.state("Done")
    assert d.get("/v1/jobs").json()["jobs"][0]["blend"] == "010 <b>&/a.blend"


def test_test_frames_come_first_and_the_rest_when_told_so(start, browser):
    d = start("samples 1")
    browser.open(d.url("#/new"))
    browser.run("await page.getByRole('button', { name: 'It is on the server already' }).click(); await page.locator('#f-blend').fill('scene.blend');"
                "await page.locator('#f-frames').fill('1-6'); await page.getByLabel('Test frames').fill('2,9'); await page.locator('#f-frames').press('Enter')")
    browser.see("frame 9 is not one of the job")
    browser.run("await page.getByLabel('Test frames').fill('2,5'); await page.locator('#f-frames').press('Enter')")
    browser.see("Its test frames are there (2,5)")
    [job] = d.get("/v1/jobs").json()["jobs"]
    assert job["state"] == "paused" and job["frames"]["done"] == 2
    browser.run("await page.getByRole('button', { name: 'Go on' }).click()")
    browser.state("Done")
    assert d.get(f"/v1/jobs/{job['id']}").json()["frames"]["done"] == 6


def test_a_failed_frame_is_found_and_retried_by_keyboard_alone(start, browser):
    d = start("skip_frame 2", "samples 1")
    browser.open(d.url("#/new"))
    press = "for (const key of args.keys) await page.keyboard.press(key)"
    browser.run("await page.locator('.drop').waitFor(); await page.getByRole('button', { name: 'It is on the server already' }).focus(); await page.keyboard.press('Enter');"
                "await page.locator('#f-blend').focus(); await page.keyboard.type('scene.blend'); await page.locator('#f-frames').focus(); await page.keyboard.type('1-3'); await page.keyboard.press('Enter')")
    browser.state("Failed")
    browser.run("await page.locator('[data-failure]').waitFor()")
    browser.run(press, keys=["]"])
    browser.run("await page.locator('[data-failure]:focus').waitFor()")
    browser.run(press, keys=["r"])
    job = d.get("/v1/jobs").json()["jobs"][0]["id"]
    wait_for(lambda: d.get(f"/v1/jobs/{job}").json()["attempts"] > 1, "it is tried again")
    browser.state("Failed")
    browser.run("await page.getByRole('button', { name: 'Frame 1' }).focus(); await page.keyboard.press('Enter'); await page.locator('.stage img').waitFor(); await page.keyboard.press('ArrowRight');"
                "await page.getByRole('heading', { name: 'Frame 3' }).waitFor()")
    got = browser.run("const [file] = await Promise.all([page.waitForEvent('download'), (async () => { await page.getByRole('link', { name: 'Download', exact: true }).focus(); await page.keyboard.press('Enter'); })()]);"
                      "const path = await file.path(); await page.keyboard.press('Escape'); return path")
    with open(got, "rb") as image:
        assert image.read(8) == b"\x89PNG\r\n\x1a\n"


def test_a_video_is_made_and_taken_home(start, browser):
    d = start("samples 1")
    job = post(d, frames="1-6")
    until(d, job, state="succeeded")
    browser.open(d.url(f"#/jobs/{job}?tab=download"))
    browser.click("Make a video")
    browser.run("await page.locator('.plain-list .video').getByText('Download').waitFor()")
    assert browser.run("return axe()") == []
    got = browser.run("const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.plain-list .video').getByText('Download').click()]); return file.path()")
    with open(got, "rb") as video:
        assert video.read(12)[4:8] == b"ftyp"
    browser.click("Remove")
    browser.run("await page.locator('.plain-list .video').waitFor({ state: 'detached' })")
    assert d.get(f"/v1/jobs/{job}/videos").json()["videos"] == []
