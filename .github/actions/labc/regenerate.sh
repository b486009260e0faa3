#!/usr/bin/env bash
# Compiles the lab of the branch that is checked out, and pushes what changed as one commit on top of it.
#
# It never loops: a branch whose last commit is its own is left alone, and where nothing changed there is no commit. It
# never overwrites: hand edits in `out/` stop it (labc builds without --force), and a branch that moved meanwhile is left
# to the run of that push. Of the lab nothing is executed; Git's hooks are off.
set -euo pipefail

name=${LABC_AUTHOR% <*}
email=${LABC_AUTHOR##*<}
email=${email%>}
branch=$GITHUB_REF_NAME

git() {
  command git -c core.hooksPath=/dev/null -c "user.name=$name" -c "user.email=$email" "$@"
}

end() {
  printf '%s\n' "$1"
  printf 'exit-code=0\ncommitted=%s\n' "${2-false}" >> "$GITHUB_OUTPUT"
  exit 0
}

# The token goes to the one command that needs it, and into no file.
push() {
  # shellcheck disable=SC2016 # the helper's shell reads the token, not this one
  git -c credential.helper= \
    -c credential.helper='!f() { test "$1" != get || printf "username=x-access-token\npassword=%s\n" "$LABC_TOKEN"; }; f' \
    push --quiet origin "HEAD:refs/heads/$branch"
}

if [ "$GITHUB_REF_TYPE" != branch ]; then
  end "nothing to do: this is no branch"
fi
if [ "$(git log -1 --format=%ae)" = "$email" ]; then
  end "nothing to do: the last commit is this workflow's own"
fi
before=$(git rev-parse HEAD)
labc -C "$LABC_DIRECTORY" build
git add --all -- "$LABC_DIRECTORY/out" "$LABC_DIRECTORY/lab.lock"
if git diff --cached --quiet; then
  end "nothing to commit: the branch is what its sources make"
fi
git commit --quiet --message "labc build"
# What is pushed is what is verified: a push with the workflow's own token starts no other workflow that would do it.
labc -C "$LABC_DIRECTORY" check
if push; then
  end "pushed $(git rev-parse --short HEAD)" true
fi
now=$(git ls-remote origin "refs/heads/$branch" | cut -f 1)
if [ "$now" != "$before" ]; then
  end "the branch has moved: its own run does the rest"
fi
echo "the push was refused"
exit 4
