#!/usr/bin/env bash
# Makes the run folder weekly-plan anew from its input.json, with a real solver: GLPK's glpsol.
# Usage: docs/sample/make.sh [folder]   (default: weekly-plan beside this script)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "${1:-$here/weekly-plan}" && pwd)
command -v glpsol >/dev/null || { echo 'glpsol is missing: apt-get install glpk-utils' >&2; exit 1; }

data=$(mktemp --suffix=.dat)
trap 'rm -f "$data"' EXIT
node --input-type=module - "$folder/input.json" >"$data" <<'SCRIPT'
// The input as MathProg data.
import { readFileSync } from 'node:fs';
const input = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const set = (name, members) => console.log(`set ${name} := ${members.join(' ')};`);
const param = (name, value) => console.log(`param ${name} := ${value};`);
const each = (name, from, value) => param(name, Object.entries(from).map(([key, of]) => `${key} ${value(of)}`).join(', '));
console.log('data;');
set('PRODUCTS', Object.keys(input.products));
set('LINES', Object.keys(input.lines));
set('DEPOTS', Object.keys(input.demand_liters));
each('litersPerHour', input.products, (product) => product.liters_per_hour);
each('storageCost', input.products, (product) => product.storage_cost_per_liter);
each('freshForDays', input.products, (product) => product.fresh_for_days);
each('hoursPerDay', input.lines, (line) => line.hours_per_day);
each('overtimeHoursMax', input.lines, (line) => line.overtime_hours_max);
each('overtimeCost', input.lines, (line) => line.overtime_cost_per_hour);
param('dayCount', input.days.length);
param('changeoverHours', input.changeover.hours);
param('changeoverCost', input.changeover.cost);
param('batchLitersMin', input.changeover.liters_min);
const demand = Object.entries(input.demand_liters).flatMap(([depot, products]) =>
  Object.entries(products).flatMap(([product, liters]) =>
    liters.map((amount, day) => `${depot} ${product} ${day + 1} ${amount}`)));
param('demand', demand.join(', '));
console.log('end;');
SCRIPT

cd "$folder"
rm -f output.json run.log meta.json
started=$(date +%s.%N)
status=0
glpsol --math "$here/weekly-plan.mod" --data "$data" --cuts --tmlim 20 --log run.log >/dev/null || status=$?
duration=$(awk -v from="$started" -v to="$(date +%s.%N)" 'BEGIN { print sprintf("%.3f", to - from) + 0 }')
# The log should read the same wherever it was made.
sed -i -e "s|$here/||g" -e "s|$data|weekly-plan.dat|g" run.log

# meta.json comes last, and whole: from then on the folder is complete.
if [ "$status" = 0 ] && grep -q 'INTEGER OPTIMAL SOLUTION FOUND' run.log && [ -s output.json ]; then
  outcome='"status": "succeeded"'
else
  outcome='"status": "failed",
  "error": "glpsol found no solution that it could prove to be optimal; see run.log"'
fi
cat >meta.json.tmp <<META
{
  $outcome,
  "duration": $duration,
  "name": "Weekly plan, week 48",
  "description": "Filling lines and stock of a dairy for one week; MathProg model, solved with glpsol",
  "options": { "solver": "glpsol", "cuts": true, "time_limit_seconds": 20 }
}
META
mv meta.json.tmp meta.json
