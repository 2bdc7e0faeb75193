/**
 * The six properties, judged from records alone: what was dropped, what the platform holds, what the daemon says, what
 * lies in the folders, what was done to them all. Pure, so that a test can show of each property that it bites.
 *
 *   conservation   each complete folder has its run on the platform, or waits for a person with a reason and a hint
 *   integrity      a run's input, output and log are those of one generation; result files are whole and of that run
 *   no invention   no run on the platform belongs to no folder
 *   liveness       once nothing fails any more, everything settles within a bound
 *   uniqueness     no generation and no fingerprint has two runs
 *   non-vacuity    what was to go wrong did go wrong, and was counted
 */

/** States that a person sees in `status` and can answer. */
const personsStates = ['parked', 'rejected', 'overdue', 'skipped'];

/** @returns {{property: string, what: string}[]} what is broken; nothing, when all is well */
export function check(records) {
  return [
    ...conservation(records),
    ...integrity(records),
    ...noInvention(records),
    ...liveness(records),
    ...uniqueness(records),
    ...nonVacuity(records),
  ];
}

/** The generation of its folder that a run's bytes are; undefined when they are none, or parts of several. */
function generationOf(run, folders) {
  const folder = folders.find(({ name }) => name === run.name);
  return folder?.generations.find(
    ({ input, output, logs }) => run.input === input && run.output === output && logs.includes(run.logs),
  );
}

function conservation({ folders, runs, views }) {
  const found = new Set(runs.map((run) => generationOf(run, folders)));
  return folders.flatMap(({ name, generations }) =>
    generations
      .filter((generation) => generation.stands && !found.has(generation) && !waitsForPerson(name, views))
      .map(({ number }) =>
        broken('conservation', `${name}, generation ${number}, has no run (${said(name, views)})`),
      ),
  );
}

function waitsForPerson(name, views) {
  const ofFolder = views.filter(({ folder }) => folder === name);
  // What the folder holds now: a folder that is no run yet, or its newest run.
  const now = ofFolder.find(({ run }) => run === null) ?? ofFolder.toSorted((a, b) => b.run - a.run).at(0);
  return (
    now !== undefined && personsStates.includes(now.state) && Boolean(now.reason?.text) && Boolean(now.hint)
  );
}

function said(name, views) {
  const states = views.filter(({ folder }) => folder === name).map(({ state }) => state);
  return states.length === 0 ? 'nothing is known of it' : states.join(', ');
}

function integrity({ folders, runs, views, results }) {
  const altered = runs
    .filter(({ name }) => folders.some((folder) => folder.name === name))
    .filter((run) => generationOf(run, folders) === undefined)
    .map(({ id, name }) => broken('integrity', `run ${id} holds bytes that ${name} never had together`));
  const wrong = views
    .filter(({ state, folder }) => state === 'recorded' && folders.some(({ name }) => name === folder))
    .flatMap((view) => wrongResult(view, runs, folders, results));
  return [...altered, ...wrong];
}

function wrongResult({ folder, run_id: runId, fingerprint }, runs, folders, results) {
  const run = runs.find(({ id }) => id === runId);
  if (run === undefined)
    return [broken('integrity', `${folder} is recorded as ${runId}, which is not there`)];
  if (run.fingerprint !== fingerprint)
    return [broken('integrity', `${folder} is recorded as ${runId}, which carries ${run.fingerprint}`)];
  const generation = generationOf(run, folders);
  // The result file of content that was replaced since may be that of the newer run, or be gone with its folder.
  if (generation === undefined || !generation.stands) return [];
  const result = results.find((known) => known.folder === folder);
  if (result === undefined) return [broken('integrity', `${folder} is recorded without a result file`)];
  if (!result.isWhole) return [broken('integrity', `the result file in ${folder} is torn`)];
  const isOwn =
    result.id === runId &&
    result.fingerprint === fingerprint &&
    (result.output === null || result.output === generation.output);
  return isOwn ? [] : [broken('integrity', `the result file in ${folder} is not that of ${runId}`)];
}

function noInvention({ folders, runs, foreign }) {
  return runs
    .filter(({ id, name }) => !foreign.includes(id) && !folders.some((folder) => folder.name === name))
    .map(({ id, name }) => broken('no invention', `run ${id} ("${name}") belongs to no folder`));
}

function liveness({ unsettled }) {
  return unsettled.map((what) => broken('liveness', what));
}

function uniqueness({ folders, runs }) {
  const sentBy = new Map();
  for (const run of runs) {
    const generation = generationOf(run, folders);
    const names = [run.fingerprint, generation && `${run.name}, generation ${generation.number}`];
    for (const name of names.filter(Boolean)) sentBy.set(name, [...(sentBy.get(name) ?? []), run.id]);
  }
  return [...sentBy]
    .filter(([, ids]) => ids.length > 1)
    .map(([name, ids]) => broken('uniqueness', `${name} has ${ids.length} runs: ${ids.join(', ')}`));
}

function nonVacuity({ happened }) {
  return Object.entries(happened)
    .filter(([, { times, least }]) => times < least)
    .map(([what, { times, least }]) =>
      broken('non-vacuity', `${what}: ${times} times, and less than ${least} proves nothing`),
    );
}

function broken(property, what) {
  return { property, what };
}
