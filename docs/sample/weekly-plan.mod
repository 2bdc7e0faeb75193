# A dairy's week: which product to fill on which line on which day, so that every depot gets what it ordered, nothing
# gets old in the store, and changeovers, storage and overtime cost as little as possible together.
# Solved with GLPK's glpsol; it writes output.json itself.

param dayCount integer;
set DAYS := 1..dayCount;
set PRODUCTS;
set LINES;
set DEPOTS;

param litersPerHour{PRODUCTS};
param storageCost{PRODUCTS};
param freshForDays{PRODUCTS};
param hoursPerDay{LINES};
param overtimeHoursMax{LINES};
param overtimeCost{LINES};
param changeoverHours;
param changeoverCost;
param batchLitersMin;
param demand{DEPOTS, PRODUCTS, DAYS};

param orders{p in PRODUCTS, d in DAYS} := sum{k in DEPOTS} demand[k, p, d];
param litersPerDayMax{p in PRODUCTS, l in LINES} :=
  litersPerHour[p] * (hoursPerDay[l] + overtimeHoursMax[l] - changeoverHours);

var fill{PRODUCTS, LINES, DAYS} >= 0;
var runs{PRODUCTS, LINES, DAYS} binary;
var overtime{l in LINES, DAYS} >= 0, <= overtimeHoursMax[l];
var stock{PRODUCTS, DAYS} >= 0;

minimize cost:
  sum{p in PRODUCTS, l in LINES, d in DAYS} changeoverCost * runs[p, l, d]
  + sum{p in PRODUCTS, d in DAYS} storageCost[p] * stock[p, d]
  + sum{l in LINES, d in DAYS} overtimeCost[l] * overtime[l, d];

s.t. lineTime{l in LINES, d in DAYS}:
  sum{p in PRODUCTS} (fill[p, l, d] / litersPerHour[p] + changeoverHours * runs[p, l, d])
  <= hoursPerDay[l] + overtime[l, d];

s.t. batchMax{p in PRODUCTS, l in LINES, d in DAYS}: fill[p, l, d] <= litersPerDayMax[p, l] * runs[p, l, d];
s.t. batchMin{p in PRODUCTS, l in LINES, d in DAYS}: fill[p, l, d] >= batchLitersMin * runs[p, l, d];

s.t. store{p in PRODUCTS, d in DAYS}:
  (if d == 1 then 0 else stock[p, d - 1]) + sum{l in LINES} fill[p, l, d]
  = orders[p, d] + stock[p, d];

# What is in the store in the evening must be sold while it is fresh.
s.t. fresh{p in PRODUCTS, d in DAYS}:
  stock[p, d] <= sum{e in DAYS: e > d and e < d + freshForDays[p]} orders[p, e];

solve;

param out symbolic := "output.json";
param changeovers := sum{p in PRODUCTS, l in LINES, d in DAYS} runs[p, l, d];
param overtimeHours := sum{l in LINES, d in DAYS} overtime[l, d];
param storage := sum{p in PRODUCTS, d in DAYS} storageCost[p] * stock[p, d];
param overtimePay := sum{l in LINES, d in DAYS} overtimeCost[l] * overtime[l, d];
param liters := sum{p in PRODUCTS, l in LINES, d in DAYS} fill[p, l, d];

# One row of seven numbers for each product and line; each list is closed by its total, so that commas come out right.
printf '{\n  "solution": {\n    "fill_liters": {\n' > out;
for{p in PRODUCTS} {
  printf '      "%s": {\n', p >> out;
  for{l in LINES} {
    printf '        "%s": [', l >> out;
    printf{d in DAYS} '%.0f%s', fill[p, l, d], if d < dayCount then ', ' else '],' >> out;
    printf '\n' >> out;
  }
  printf '        "total": [' >> out;
  printf{d in DAYS} '%.0f%s', sum{l in LINES} fill[p, l, d], if d < dayCount then ', ' else ']' >> out;
  printf '\n      },\n' >> out;
}
printf '      "total": [' >> out;
printf{d in DAYS} '%.0f%s', sum{p in PRODUCTS, l in LINES} fill[p, l, d], if d < dayCount then ', ' else ']' >> out;
printf '\n    },\n    "stock_liters": {\n' >> out;
for{p in PRODUCTS} {
  printf '      "%s": [', p >> out;
  printf{d in DAYS} '%.0f%s', stock[p, d], if d < dayCount then ', ' else '],' >> out;
  printf '\n' >> out;
}
printf '      "total": [' >> out;
printf{d in DAYS} '%.0f%s', sum{p in PRODUCTS} stock[p, d], if d < dayCount then ', ' else ']' >> out;
printf '\n    }\n  },\n' >> out;
printf '  "metrics": {\n    "result": { "value": %.10g },\n', round(cost, 2) >> out;
printf '    "cost": { "changeovers": %.10g, "storage": %.10g, "overtime": %.10g },\n',
  changeoverCost * changeovers, round(storage, 2), round(overtimePay, 2) >> out;
printf '    "changeovers": %d,\n    "overtime_hours": %.10g,\n', changeovers, round(overtimeHours, 2) >> out;
printf '    "liters": %.0f\n  }\n}\n', liters >> out;

end;
