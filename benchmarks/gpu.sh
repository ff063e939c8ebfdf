#!/usr/bin/env bash
# On a machine with a CUDA GPU, in pieces of at most ten minutes each:
#
#   benchmarks/gpu.sh tests                          correctness on the GPU: pytest -m gpu
#   benchmarks/gpu.sh speed [NAME ...]               the benchmarks at full size: step breakdown compiled
#                                                    augmentation mining frozen growth
#   benchmarks/gpu.sh cifar10 FOLDER [KEY=VALUE ...] CIFAR-10 end to end from the Parquet files in FOLDER, with the
#                                                    preset cifar10-fast
#
# Records are appended to benchmarks/results. The piece cifar10 works in WORK; called again with the same arguments, it
# goes on after the last finished stage, and within a training after its last saved epoch.
#
# Needed: Python 3.11 or newer with torch, torchvision, numpy, pandas, pyarrow, scipy, scikit-learn, threadpoolctl,
# psutil, typer, rich, safetensors, matplotlib, jinja2 and pytest. Not needed: DVC, dvclive (benchmarks/without_dvc
# stands in), faiss (torch searches instead), network. What may be missing besides comes from a folder of wheels for that machine's Python:
#
#   pydantic (pydantic_core, annotated_types, typing_inspection, typing_extensions), ruamel.yaml, jaxtyping
#   (wadler_lindig)                     for all pieces
#   beartype                            for tests
#   kornia (kornia_rs, packaging)       for speed; without it the augmentation benchmark leaves Kornia's rows out
#
#   pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_17_x86_64 -d FOLDER NAME==PIN
#
# with the pins of requirements.lock makes it; ruamel.yaml works without its C part. Environment:
#
#   WHEELS   that folder; without it nothing is installed
#   PYTHON   the interpreter; python3
#   WORK     where cifar10 works; a folder in the temporary directory
#   PRESET   another preset for cifar10
#   LIMIT    seconds after which a piece is stopped; 600
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
limit=${LIMIT:-600}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

present() {
  "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"
}

install_wheels() {
  local package missing=()
  for package in pydantic ruamel.yaml jaxtyping beartype kornia; do
    present "${package%%.*}" || missing+=("$package")
  done
  if [[ -n ${WHEELS:-} && ${#missing[@]} -gt 0 ]]; then
    for package in "${missing[@]}"; do
      "$python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$WHEELS" "$package" \
        || echo "gpu.sh: no wheels for $package in $WHEELS" >&2
    done
  fi
}

run() {
  local left=$((limit - SECONDS))
  if ((left <= 0)); then
    echo "gpu.sh: no time left for $1; call this piece again for it alone, or raise LIMIT" >&2
    exit 124
  fi
  timeout "$left" "$python" -m "$@"
}

[[ $# -gt 0 ]] || usage
piece=$1
shift

export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
if ! present dvclive; then
  PYTHONPATH="$PYTHONPATH:$root/benchmarks/without_dvc"
fi
install_wheels

case $piece in
  tests)
    cd "$root"
    run pytest -m gpu tests/test_gpu.py "$@"
    ;;
  speed)
    cd "$root"
    if [[ $# -eq 0 ]]; then
      set -- step breakdown compiled augmentation mining frozen growth
    fi
    for name in "$@"; do
      echo "== $name"
      run "benchmarks.$name"
    done
    ;;
  cifar10)
    [[ $# -gt 0 ]] || usage
    parquet=$(cd "$1" && pwd)
    shift
    preset=${PRESET:-cifar10-fast}
    work=${WORK:-${TMPDIR:-/tmp}/scan-$preset}
    cd "$root"
    run benchmarks.pipeline "$preset" "data.source=$parquet" "$@" --folder "$work"
    ;;
  *)
    usage
    ;;
esac
