#!/usr/bin/env bash
# Which objective generates the best pictures, at equal networks, data and steps: a table in Markdown, three seeds.
#
#   docs/experiments/gan_objectives.sh digits 100
#
# Needs gan on the PATH: cargo install --path apps/gan. Arguments: data set, epochs. All rows are DCGAN with the settings of the recipe, but that the
# critics of the Wasserstein objectives and of hinge have spectral normalisation or a penalty in place of batch normalisation, as in their papers.
# The classifier is the same for all: its seed is.
set -euo pipefail
export LC_ALL=C
data=${1:-digits} epochs=${2:-100}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# Objective, seed, further settings: Frechet distance, its floor, classes, precision, recall.
measure() {
  local objective=$1 seed=$2
  shift 2
  rm -rf "$runs/run"
  gan train --data "$data" --epochs "$epochs" --seed "$seed" --set fit.objective="$objective" "$@" --run "$runs/run" --json 2>/dev/null |
    tail -n 1 | grep -oE '"(frechet|frechet_floor|coverage_classes|precision|recall)":[0-9.]+' | sort | cut -d: -f2 | paste -sd' '
}

row() {
  local objective=$1
  shift
  for seed in 1 2 3; do measure "$objective" "$seed" "$@"; done | awk -v name="$objective" '{
    classes = classes " " $1; sum += $2; squares += $2 * $2; floor = $3; precision += $4; recall += $5 }
    END { mean = sum / NR; deviation = sqrt((squares - NR * mean * mean) / (NR - 1))
      printf "| %s | %.2f ± %.2f | %.2f |%s | %.2f | %.2f |\n", name, mean, deviation, floor, classes, precision / NR, recall / NR }'
}

echo "| objective | Frechet distance: mean ± standard deviation | floor | classes | precision | recall |"
echo "|---|---|---|---|---|---|"
row minimax
row non-saturating
row least-squares
row hinge --set model.spectral_norm=true
row wasserstein-lipschitz --set model.spectral_norm=true --set fit.discriminator_steps=2
