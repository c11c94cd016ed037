// SPDX-License-Identifier: Apache-2.0
// A server as the tutorial has it: POST /job runs Blender once for each request, GET /job/PID looks by `ps`.
const { exec, spawnSync } = require('child_process');
const express = require('express');

const [blenderPath, blendFilePath, outputDir] = process.argv.slice(2);
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const app = express();
app.use(express.json());
const jobs = {};

app.post('/job', (req, res) => {
  const { from, to } = req.body;
  if (from === undefined || to === undefined) return res.status(400).send('Invalid input');
  const command = `exec ${quoted(blenderPath)} -b ${quoted(blendFilePath)} -o ${quoted(outputDir)}/blender-render_#### ` +
    `-E CYCLES -s ${Number(from)} -e ${Number(to)} -t 0 -a`;
  const jobProcess = exec(command, { maxBuffer: 1 << 30 });
  jobs[jobProcess.pid] = jobProcess;
  jobProcess.stdout.on('data', () => {});
  jobProcess.stderr.on('data', () => {});
  res.status(202).header('Location', `/job/${jobProcess.pid}`).header('Retry-After', 5).send({ pid: jobProcess.pid });
});

app.get('/job/:jobId', (req, res) => {
  const jobId = parseInt(req.params.jobId);
  if (!jobs[jobId]) return res.status(400).send('Job not found');
  if (spawnSync('ps', ['-p', jobId.toString()]).status !== 0) return res.status(200).send('Job completed');
  res.status(202).header('Location', `/job/${jobId}`).header('Retry-After', 5).send('Job still running');
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
