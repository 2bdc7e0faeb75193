/** Real solvers, run by a shell script as somebody wrote it long ago: logs, solutions and meta.json are the real ones. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test, type Scene } from './scene.ts';

/** How such scripts end: the time it took, and the status last of all. */
const lastly = `
end=$(date +%s.%N)
printf '{"status":"%s","duration":%s,"name":"%s"%s}\\n' "$status" "$(echo "$end $start" | awk '{print $1-$2}')" "$name" "$error" > meta.json
`;

const lpModel = `\\* bakery: bread and cake from flour and oven hours *\\
Maximize
 profit: 3 bread + 5 cake
Subject To
 flour: bread + 2 cake <= 14
 oven: 3 bread - cake >= 0
 hours: bread - cake <= 2
Bounds
 0 <= bread <= 40
End
`;

const mathProgModel = `var x >= 0; var y >= 0, integer;
maximize profit: 3 * x + 5 * y;
s.t. flour: x + 2 * y <= 14;
s.t. oven: 3 * x - y >= 0;
s.t. hours: x - y <= 2;
solve;
printf '{"solution":{"x":%g,"y":%g},"metrics":{"result":{"value":%g}}}\\n', x, y, profit > "output.json";
end;
`;

const lpSolveModel = `max: 3x + 5y;
flour: x + 2y <= 14;
oven: 3x - y >= 0;
hours: x - y <= 2;
`;

interface Legacy {
  readonly solver: string;
  readonly what: string;
  readonly script: string;
  readonly model: { readonly file: string; readonly text: string };
  readonly log: RegExp;
  readonly output: RegExp;
  readonly status: 'succeeded' | 'failed';
}

const legacies: readonly Legacy[] = [
  {
    solver: 'cbc',
    what: 'a solution as text',
    model: { file: 'model.lp', text: lpModel },
    script: `cp model.lp input.txt; cbc model.lp solve solution output.txt > run.log; status=succeeded`,
    log: /Welcome to the CBC MILP Solver/,
    output: /Optimal - objective value [\s\S]*bread/,
    status: 'succeeded',
  },
  {
    solver: 'glpsol',
    what: 'a solution that the model prints as JSON',
    model: { file: 'model.mod', text: mathProgModel },
    script: `echo '{"flour":14}' > input.json; glpsol -m model.mod --log run.log > /dev/null; status=succeeded`,
    log: /INTEGER OPTIMAL SOLUTION FOUND|OPTIMAL LP SOLUTION FOUND/,
    output: /"value":3[0-9]/,
    status: 'succeeded',
  },
  {
    solver: 'lp_solve',
    what: 'a solution on stdout',
    model: { file: 'model.lp', text: lpSolveModel },
    script: `cp model.lp input.txt; lp_solve -v5 -S4 model.lp > output.txt 2> run.log; cat output.txt >> run.log; status=succeeded`,
    log: /lp_solve|Set objective|Optimal solution/i,
    output: /Value of objective function: 3\d/,
    status: 'succeeded',
  },
  {
    solver: 'glpsol',
    what: 'a failure without any output',
    model: { file: 'model.mod', text: 'var x >= 0;\ns.t. broken: x <= ;\nend;\n' },
    script: `cp model.mod input.txt; glpsol -m model.mod > run.log || { code=$?; status=failed; error=",\\"error\\":\\"glpsol: exit $code\\""; }`,
    log: /syntax error|MathProg model processing error/,
    output: /glpsol: exit 1/,
    status: 'failed',
  },
];

/** Runs the script in the drop root itself, while the daemon watches: nothing here knows of the daemon. */
function runLegacy(scene: Scene, name: string, { model, script }: Legacy): void {
  const folder = scene.folder(name);
  mkdirSync(folder);
  writeFileSync(join(folder, model.file), model.text);
  const file = join(scene.dir, `${name}.sh`);
  writeFileSync(file, `set -u\ncd "$1"\nname='${name}'\nerror=\nstart=$(date +%s.%N)\n${script}\n${lastly}`);
  const ran = spawnSync('sh', [file, folder], { encoding: 'utf8' });
  if (ran.status !== 0)
    throw new Error(`the script of ${name} ended with ${String(ran.status)}: ${ran.stderr}`);
}

test.for(legacies)('$solver leaves $what, and it is tracked as it is', async (legacy, { scene, skip }) => {
  const { solver, log, output, status } = legacy;
  if (spawnSync('sh', ['-c', `command -v ${solver}`]).status !== 0) {
    console.warn(`NOT TESTED: ${solver} is not installed`);
    skip(`${solver} is not installed`);
  }
  await scene.daemon();
  runLegacy(scene, solver, legacy);
  const result = await scene.result(solver);
  expect(result.name).toBe(solver);
  expect(result.metadata['status_v2']).toBe(status);
  expect(result.metadata['execution_duration']).toEqual(expect.any(Number));
  expect(result.metadata['execution_duration']).not.toBe(0);

  const solverLog = readFileSync(join(scene.folder(solver), 'run.log'), 'utf8');
  expect(solverLog).toMatch(log);
  if (status === 'succeeded') {
    expect(result.runtrackd['output_verified']).toBe(true);
    const file = result.runtrackd['output_file'];
    const solution =
      typeof file === 'string'
        ? readFileSync(join(scene.folder(solver), file), 'utf8')
        : JSON.stringify(result.output);
    expect(solution).toMatch(output);
    const logs = (await scene.get(`/v1/applications/hare-app/runs/${result.id}/logs`)) as { log: string };
    expect(JSON.stringify(logs)).toContain(JSON.stringify(solverLog).slice(1, 60));
  } else {
    expect(result.error_log).toMatchObject({
      stderr: expect.stringMatching(log) as string,
      error: expect.stringMatching(output) as string,
    });
  }
  expect(await scene.platformRuns()).toHaveLength(1);
});
