#!/usr/bin/env bash
# What the commits since BASE change of the costs of SPECS, as one comment on PULL_REQUEST, which later runs write anew.
#
# BASE is a commit of this clone (fetch-depth: 0); the specs are compared with where the branch left it, in a work tree
# of its own, so that what they include is as it was, too. Needs git, gh and costcalc. Exit code 1 where a spec has
# mistakes, after it is told.
set -euo pipefail

readonly MARK='<!-- costcalc: costs -->' # by which the comment is found again
readonly MOST=60000                      # characters of a comment, of which GitHub takes 65,536
read -r -a specs <<<"${SPECS:-nets/*.yaml}"
read -r -a options <<<"${OPTIONS:-}"

work=$(mktemp -d)
before=$work/before
start=$(git merge-base "$BASE" HEAD)
git worktree add --quiet --detach "$before" "$start"
trap 'git worktree remove --force "$before"; rm -rf "$work"' EXIT
cd "$(git rev-parse --show-toplevel)"

wrong=0

# told FILE COMMAND...: what a command prints, or its mistakes, under the name of the file that it is about
told() {
  local file=$1 code=0
  shift
  "$@" >"$work/said" 2>"$work/mistakes" || code=$?
  if [ "$code" -gt 1 ]; then
    wrong=1
    printf '#### `%s`\n\n```text\n' "$file"
    sed "s|$before/||g" "$work/mistakes"
    printf '```\n\n'
  elif [ -s "$work/said" ]; then
    printf '#### `%s`\n\n' "$file"
    cat "$work/said"
    printf '\n'
  fi
}

# difference FILE: what changed of a spec that was there before; nothing where its costs are the same
difference() {
  local code=0
  costcalc diff "$before/$1" "$1" --format markdown --exit-code "${options[@]}" >"$work/page" || code=$?
  [ "$code" -eq 0 ] || tail -n +3 "$work/page" # without the title, which names the work tree
  return "$code"
}

report() {
  printf '%s\n### What changes of costs\n\n' "$MARK"
  while read -r state file; do
    case $state in
      A) told "$file" costcalc report "$file" --by block --format markdown ;;
      M | T) told "$file" difference "$file" ;;
      D) printf '#### `%s`\n\nremoved\n\n' "$file" ;;
    esac
  done < <(git diff --no-renames --name-status "$start" HEAD -- "${specs[@]}")
}

report >"$work/comment"
if ! grep -q '^####' "$work/comment"; then
  printf 'nothing: no spec costs another number\n' >>"$work/comment"
fi
if [ "$(wc -c <"$work/comment")" -gt "$MOST" ]; then
  sed -n '/^<details>/,/^<\/details>/d;p' "$work/comment" | head -c "$MOST" >"$work/shorter"
  printf '\n\nmore than a comment holds: costcalc diff tells all\n' >>"$work/shorter"
  mv "$work/shorter" "$work/comment"
fi
cat "$work/comment" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"

comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
mine=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$MARK\")) | .id" | head -n 1) || mine=
if [ -n "$mine" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$mine" -F "body=@$work/comment" >/dev/null
elif ! gh api "$comments" -F "body=@$work/comment" >/dev/null; then
  echo '::warning::the costs are in the summary of this job: this token may not comment (a fork?)'
fi
exit "$wrong"
