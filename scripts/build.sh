#!/bin/sh
# Compiles src to dist: JavaScript, and beside it the files that are no program (shell scripts, the schema).
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/tsc -p tsconfig.build.json
find src -type f ! -name '*.ts' ! -name '*.md' | while read -r file; do
  mkdir -p "dist/$(dirname "${file#src/}")" && cp "$file" "dist/${file#src/}"
done
touch dist/.built
