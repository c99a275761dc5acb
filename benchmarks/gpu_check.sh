#!/usr/bin/env bash
# What has to be seen on a GPU, in one command: bash benchmarks/gpu_check.sh [BATCH]
# Needs CuPy, and PyTorch with CUDA for the comparison. Prints what each step proves; ends with a failure at the first
# that does not hold.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
batch=${1:-256}
step() { printf '\n== %s\n' "$*"; }

step "1. the machine"
"$python" -m equinorm info
"$python" -c 'from numerics.backends import load_backend; print(load_backend("cupy"))'

step "2. the device functions compile, and agree with array expressions in float64; translations, layers, metrics,
bounds and the experiment run on CuPy and agree with NumPy (tests of numerics)"
"$python" -m pytest -q tests/numerics -k cupy -n0 -p no:cacheprovider

step "3. the laws of the translation hold on the GPU, in both precisions and under all policies"
"$python" -m equinorm measure --self-test --backend cupy

step "4. float32 on the GPU, by array expressions and by device functions, agrees with float64 on NumPy within the
rounding bound; two runs agree bit for bit"
"$python" -m benchmarks.gpu_agreement

step "5. each pass against the bytes it has to move at the measured speed of a copy, batch $batch"
"$python" -m benchmarks.gpu_passes --batch "$batch"

step "6. throughput against the published protocol on the same GPU, batch $batch"
"$python" -m benchmarks.experiment --here --backend cupy --batch "$batch" --repeats 5

step "7. a counterexample is shown again on the GPU"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m equinorm hunt --layer LayerNorm-C --out "$work/example.json" > /dev/null && exit 1
"$python" -m equinorm replay "$work/example.json" --backend cupy && exit 1
echo "it shows again (status 1, as it should be)"

step "all steps passed"
