# SPDX-License-Identifier: Apache-2.0
"""The page below /kiln/ behind nginx with TLS, by the configuration of docs/proxy.md: all that a browser follows leads there."""
import urllib.parse

import pytest
from proxy import Proxy


@pytest.mark.parametrize("public_url", [True, False], ids=["configured", "said_by_the_proxy"])
def test_the_links_of_a_job_lead_through_it(start, browser, tmp_path, public_url):
    d = start("frame_seconds 0.01", arguments=["--trusted-proxies", "127.0.0.1", *(["--public-url", "https://farm.example/kiln"] if public_url else [])])
    proxy = Proxy("nginx", d.port, tmp_path / "nginx")
    try:
        browser.open(proxy.url("/kiln/"), insecure=True)  # a certificate of the test's own
        browser.see("Nothing has been rendered yet")
        made = browser.run("""
            return page.evaluate(async () => {
              const post = await fetch('v1/jobs', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                                                    body: JSON.stringify({ blend: 'scene.blend', frames: '1-2', name: 'shot 010' }) });
              return { status: post.status, location: post.headers.get('Location'), job: await post.json() };
            });""")
        assert made["status"] == 202 and made["location"] == made["job"]["links"]["self"] and made["location"].startswith("/kiln/v1/jobs/")
        browser.run("await page.getByRole('link', { name: 'shot 010' }).click()")
        browser.state("Done")
        browser.run("await page.waitForFunction(() => document.querySelectorAll('.picture canvas.drawn').length === 2)")
        browser.click("Download")
        got = browser.run("const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download frames.zip' }).click()]); return file.path()")
        with open(got, "rb") as archive:
            assert archive.read(2) == b"PK"
        followed = browser.run("""
            return page.evaluate(async (location) => {
              const answers = {};
              const follow = async (link) => { const answer = await fetch(link); answers[link] = answer.status; return answer; };
              const job = await (await follow(location)).json();
              const { frames } = await (await follow(job.links.frames)).json();
              for (const frame of frames) {
                const picture = await createImageBitmap(await (await follow(frame.link)).blob());
                answers[frame.link] = picture.width > 0 ? 200 : 0;
              }
              await follow(job.links.zip);
              return answers;
            }, args.location);""", location=made["location"])
        assert len(followed) == 5 and set(followed.values()) == {200}, followed
        asked = browser.run("return seen.requests")
        outside = [url for url in asked if not url.startswith(("blob:", "data:")) and not urllib.parse.urlsplit(url).path.startswith("/kiln/")]
        assert not outside, outside
    finally:
        proxy.close()
