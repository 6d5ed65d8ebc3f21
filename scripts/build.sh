#!/bin/sh
# Compiles src to dist: JavaScript, and beside it the files that are no program (shell scripts, the schema).
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/tsc -p tsconfig.build.json
# The types of what the package exports, and of what those mention.
node_modules/.bin/tsc -p tsconfig.types.json
find src -type f ! -name '*.ts' ! -name '*.md' | while read -r file; do
  mkdir -p "dist/$(dirname "${file#src/}")" && cp "$file" "dist/${file#src/}"
done
# What `kubectl version` shows of the server; a tree without git has nothing to say.
if commit=$(git rev-parse HEAD 2>/dev/null); then
  state=clean
  [ -z "$(git status --porcelain)" ] || state=dirty
  echo "$commit $state" >dist/commit
fi
touch dist/.built
