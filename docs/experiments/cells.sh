#!/usr/bin/env bash
# Which cell predicts text best, at equal numbers of weights, data and steps: two tables in Markdown, three seeds.
#
#   docs/experiments/cells.sh tiny-shakespeare 98816 2
#
# Needs language-model on the PATH: cargo install --path apps/language-model. Arguments: data set, weights of the recurrent layer, epochs. Hidden sizes are
# chosen so that every layer has about as many weights. The second table takes parts away from an LSTM with diagonal
# peepholes, one at a time, at the same hidden size (Greff et al. 2015).
set -euo pipefail
data=${1:-tiny-shakespeare} weights=${2:-98816} epochs=${3:-2} embedding=64
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# Weights of a layer: gates * hidden * (embedding + hidden) + dense * hidden^2 + vectors * hidden. The hidden size nearest to as many as asked for.
hidden() {
  awk -v n="$weights" -v gates="$1" -v dense="$2" -v vectors="$3" -v e="$embedding" 'BEGIN {
    a = gates + dense; b = gates * e + vectors
    printf "%d", (-b + sqrt(b * b + 4 * a * n)) / (2 * a) + 0.5
  }'
}

# Cell, hidden size, seed: the validation loss in nats per character; nothing for a run whose loss exploded.
measure() {
  rm -rf "$runs/run"
  language-model train --data "$data" --cell "$1" --hidden "$2" --seed "$3" --layers 1 --dropout 0 --epochs "$epochs" --json \
    --batch-size 32 --sequence-length 64 --learning-rate 0.005 --set network.embedding="$embedding" --run "$runs/run" 2>/dev/null |
    tail -n 1 | grep -o '"valid_nats_per_char":[0-9.]*' | cut -d: -f2 || true
}

row() {
  local name=$1 cell=$2 size=$3
  for seed in 1 2 3; do measure "$cell" "$size" "$seed"; done | awk -v name="$name" -v size="$size" '
    { sum += $1; squares += $1 * $1 }
    END {
      if (NR < 3) name = name " (" 3 - NR " of 3 exploded)"
      if (NR == 0) { printf "| %s | %d | |\n", name, size; exit }
      mean = sum / NR
      spread = squares - NR * mean * mean
      printf "| %s | %d | %.4f ± %.4f |\n", name, size, mean, sqrt(spread > 0 ? spread / (NR - 1) : 0)
    }'
}

printf '| cell | hidden | valid nats per character: mean ± standard deviation |\n|---|---|---|\n'
row 'RNN, tanh' rnn "$(hidden 1 0 0)"
row 'GRU' gru "$(hidden 3 0 0)"
row 'GRU, PyTorch'\''s form' gru:reset=after:update=state:bias=two "$(hidden 3 0 6)"
row 'LSTM' lstm "$(hidden 4 0 4)"
row 'LSTM, forget bias 1' lstm:forget_bias=1 "$(hidden 4 0 4)"
row 'peephole LSTM, dense' peephole-lstm "$(hidden 4 3 4)"
row 'dense, input gate alone' peephole-lstm:gates.forget=false:gates.output=false "$(hidden 4 1 4)"
row 'dense, forget gate alone' peephole-lstm:gates.input=false:gates.output=false "$(hidden 4 1 4)"
row 'dense, output gate alone' peephole-lstm:gates.input=false:gates.forget=false "$(hidden 4 1 4)"
row 'peephole LSTM, diagonal' peephole-lstm:peephole=diagonal "$(hidden 4 0 7)"

size=$(hidden 4 0 7)
printf '\n| variant (Greff et al. 2015) | hidden | valid nats per character: mean ± standard deviation |\n|---|---|---|\n'
row 'all of it (V)' peephole-lstm:peephole=diagonal "$size"
for variant in no-input-gate no-forget-gate no-output-gate no-input-activation no-output-activation; do
  row "$variant" "peephole-lstm:peephole=diagonal:variant=$variant" "$size"
done
row 'no peepholes' lstm "$size"
row 'coupled-gates' peephole-lstm:peephole=diagonal:variant=coupled-gates "$size"
row 'full-gate-recurrence' peephole-lstm:peephole=diagonal:variant=full-gate-recurrence "$size"
