// Renovate's own update of a file, without its network: `node update.cjs RENOVATE PLANS`.
//
// PLANS is a file with a list in JSON. Of each, `config` is a repository's configuration, `repository` its folder, `files` what an
// extraction found there, each dependency with its update; `releases` names all releases of some dependencies. Each update is
// applied alone to the file as it is. Prints a list for each plan: what the rules decide of an update, which of the releases
// are offered, and the new text.
const fs = require("node:fs");
const path = require("node:path");

process.env.LOG_LEVEL = "fatal";
const load = (name) => require(path.join(process.argv[2], "dist", name));

const { init } = load("logger");
const { GlobalConfig } = load("config/global");
const { mergeChildConfig } = load("config");
const { getConfig } = load("config/defaults");
const { applyPackageRules } = load("util/package-rules");
const versioning = load("modules/versioning");
const { filterVersions } = load("workers/repository/process/lookup/filter");
const { flattenUpdates } = load("workers/repository/updates/flatten");
const { doAutoReplace } = load("workers/repository/update/branch/auto-replace");

async function offered(upgrade, packageRules, versions) {
  if (!versions) return undefined;
  const config = await applyPackageRules({ ...upgrade, packageRules });
  const api = versioning.get(upgrade.versioning);
  const releases = versions.map((version) => ({ version }));
  const found = filterVersions({ ...config, ignoreUnstable: true }, upgrade.currentValue, versions.at(-1), releases, api);
  return found.map(({ version }) => version);
}

// Renovate writes what it tries: it has a folder of its own for that.
async function replaced(upgrade, repository) {
  const before = fs.readFileSync(path.join(repository, upgrade.packageFile), "utf8");
  const localDir = fs.mkdtempSync(path.join(repository, ".git", "update-"));
  fs.mkdirSync(path.join(localDir, path.dirname(upgrade.packageFile)), { recursive: true });
  GlobalConfig.set({ localDir });
  try {
    return await doAutoReplace(upgrade, before, false);
  } catch (error) {
    return `refused: ${error.message}`;
  } finally {
    fs.rmSync(localDir, { recursive: true });
  }
}

async function updates({ config, repository, files, releases }) {
  const merged = mergeChildConfig({ ...getConfig(), semanticCommits: "disabled" }, config);
  const done = [];
  for (const upgrade of await flattenUpdates(merged, files)) {
    const { depName, newValue, newDigest, branchName, pinDigests } = upgrade;
    done.push({
      ...{ depName, newValue, newDigest, branchName, pinDigests },
      offered: await offered(upgrade, merged.packageRules, releases[depName]),
      after: await replaced(upgrade, repository),
    });
  }
  return done;
}

async function main() {
  await init?.();
  const done = [];
  for (const plan of JSON.parse(fs.readFileSync(process.argv[3], "utf8"))) {
    done.push(await updates(plan));
  }
  process.stdout.write(JSON.stringify(done));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
