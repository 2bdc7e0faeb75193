/** How much of the machine others had while something was measured. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { ticksPerSecond } from './processes.mjs';

/** Of this process and of all its children that have ended. */
function ownTicks() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
}

/** Of all cores: whatever is not idle, and what the host of a virtual machine takes for others. */
function busyTicks() {
  const [user, nice, system, , , irq, softIrq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softIrq + steal;
}

/** @returns ends it when all children have ended, and gives the cores that others kept busy meanwhile, on an average */
export function watchOthers() {
  const [beganMs, own, busy] = [performance.now(), ownTicks(), busyTicks()];
  return () => {
    const seconds = (performance.now() - beganMs) / 1_000;
    const others = busyTicks() - busy - (ownTicks() - own);
    const cores = Math.max(0, others / ticksPerSecond / seconds);
    return { othersCores: Number(cores.toFixed(2)), cores: cpus().length };
  };
}
