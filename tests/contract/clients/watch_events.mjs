// SPDX-License-Identifier: Apache-2.0
// use: node watch_events.mjs URL: a page that shows a render, with the EventSource every browser has. It prints each event as a
// line of JSON, comes back by itself when the connection is lost, and ends when the job is final.
import { EventSource } from 'eventsource';

const events = new EventSource(process.argv[2]);
const print = (line) => console.log(JSON.stringify(line));
events.onopen = () => print({ type: 'open' });
events.onerror = (e) => {
  print({ type: 'error', code: e.code, closed: events.readyState === EventSource.CLOSED });
  if (events.readyState === EventSource.CLOSED) process.exit(1); // the server has refused for good
};
for (const type of ['job', 'frame', 'progress', 'log'])
  events.addEventListener(type, (e) => {
    const data = JSON.parse(e.data);
    print({ type, id: e.lastEventId, data });
    if (type === 'job' && ['succeeded', 'failed', 'canceled'].includes(data.state)) events.close();
  });
