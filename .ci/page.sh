#!/usr/bin/env bash
# Types, lint and form of the explorer's page, with npm's packages in a folder that is given and thrown away.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
mkdir -p "$folder/modules"
cp .ci/page/* "$folder"
cp costcalc/explorer/page/*.js "$folder/modules"
cd "$folder"
echo '{"type": "module"}' > package.json
npm install --silent --no-audit --no-fund typescript@7.0.2 eslint@10.15.0 @eslint/js@10.0.1 globals@17.14.0 prettier@3.10.1
npx tsc --project tsconfig.json
npx eslint modules
npx prettier --check --print-width 120 modules
