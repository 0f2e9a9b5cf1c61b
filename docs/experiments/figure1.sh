#!/usr/bin/env bash
# AlexNet's Figure 1 (Krizhevsky et al. 2012): how many epochs a network of one activation needs to a training error of 25 %, without dropout,
# normalisation or augmentation. As in the paper each activation has the learning rate that makes it fastest. Prints a table in Markdown.
#
#   docs/experiments/figure1.sh cifar10 3000 30
#
# Needs classify-images on the PATH: cargo install --path apps/classify-images. Arguments: data set, training pictures, most epochs.
set -euo pipefail
data=${1:-cifar10} limit=${2:-3000} epochs=${3:-30}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# The first epoch whose training accuracy is 75 % or more; one more than the most when there is none.
epochs_needed() {
  rm -rf "$runs/run"
  classify-images train --data "$data" --limit "$limit" --epochs "$epochs" --network standard --set 'network.channels=[32,64,128]' \
    --set network.norm=none --set network.dense_dropout=0 --augment none --batch-size 64 --set fit.optimizer=adam \
    --set fit.schedule.curve=constant --quiet --run "$runs/run" "$@" >/dev/null 2>&1
  awk -v most="$epochs" -F'"train/accuracy":' 'NF > 1 { split($2, v, /[,}]/); n++; if (v[1] >= 0.75) { print n; found = 1; exit } }
    END { if (!found) print most + 1 }' "$runs/run/metrics.jsonl"
}

printf '| activation | learning rate | epochs to 25 %% training error, seeds 1 to 3 | mean |\n|---|---|---|---|\n'
for activation in relu tanh sigmoid; do
  for rate in 0.0005 0.001 0.002; do
    needed=$(for seed in 1 2 3; do epochs_needed --set network.activation=$activation --learning-rate $rate --seed $seed; done | tr '\n' ' ')
    echo "$needed" | awk -v a="$activation" -v r="$rate" '{ printf "%f| %s | %s | %s, %s, %s | %.1f |\n", ($1+$2+$3)/3, a, r, $1, $2, $3, ($1+$2+$3)/3 }'
  done | sort -n | head -n 1 | sed 's/^[0-9.]*//'
done
