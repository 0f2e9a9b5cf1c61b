#!/usr/bin/env bash
# What each trick is worth: one network, each part of it switched off or exchanged, three seeds. Prints a table in Markdown.
#
#   docs/experiments/ablation.sh cifar10 4000 12
#
# Needs classify-images on the PATH: cargo install --path apps/classify-images. Arguments: data set, training pictures, epochs. The first row is the whole network; each other row differs from it in what it names, and
# in the learning rate where the change needs another.
set -euo pipefail
data=${1:-cifar10} limit=${2:-4000} epochs=${3:-12}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

base=(train --data "$data" --limit "$limit" --epochs "$epochs" --network standard --json
  --set 'network.channels=[32,64,128]' --set 'network.dense=[128]' --set network.dense_dropout=0.25
  --augment flip,shift=2 --batch-size 64 --set fit.optimizer=adamw --learning-rate 0.003)

# The accuracy on the test part of one run.
measure() {
  rm -rf "$runs/run"
  classify-images "${base[@]}" "$@" --run "$runs/run" 2>/dev/null | tail -n 1 | grep -o '"test_accuracy":[0-9.]*' | cut -d: -f2
}

row() {
  local name=$1
  shift
  for seed in 1 2 3; do measure --seed "$seed" "$@"; done | awk -v name="$name" '
    { sum += $1; squares += $1 * $1 }
    END {
      mean = sum / NR
      spread = sqrt((squares - NR * mean * mean) / (NR - 1))
      printf "| %s | %.1f ± %.1f |\n", name, 100 * mean, 100 * spread
    }'
}

printf '| variant | test accuracy, %%: mean ± standard deviation |\n|---|---|\n'
row 'all of it'
row 'tanh instead of ReLU' --set network.activation=tanh
row 'sigmoid instead of ReLU' --set network.activation=sigmoid
row 'no batch normalisation' --set network.norm=none --learning-rate 0.001
row 'no batch normalisation, tanh' --set network.norm=none --set network.activation=tanh --learning-rate 0.001
row 'no dropout' --set network.dense_dropout=0
row 'no augmentation' --augment none
row 'average pooling instead of maximum' --set network.pooling=average
row 'SGD with momentum' --set fit.optimizer=sgd --set fit.optimizer.momentum=0.9 --learning-rate 0.05
row 'Adagrad' --set fit.optimizer=adagrad --learning-rate 0.01
row 'constant learning rate' --set fit.schedule.curve=constant --learning-rate 0.001
row 'label smoothing 0.1' --set label_smoothing=0.1
row 'mixup 0.2' --augment flip,shift=2,mixup=0.2
