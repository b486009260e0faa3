-- The health of an Application that an app of apps made, so that sync waves wait for each other.
--
-- Healthy      it is suspended (no automated sync); or its sources, as they stand now, have been synced, and what they made
--              is neither on its way nor missing
-- Degraded     the sync of these sources ended in failure, or was ended
-- Progressing  anything else
--
-- Sources are compared, commits never: a new commit that changes nothing here must not make the parent wait again.

-- What is empty counts as absent: Argo CD leaves it out where it repeats a source in the status.
local function empty(value)
  return value == nil or value == false or value == "" or (type(value) == "table" and next(value) == nil)
end

local function equal(a, b)
  if empty(a) or empty(b) then
    return empty(a) and empty(b)
  end
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then
      return false
    end
  end
  for key, value in pairs(b) do
    if empty(a[key]) and not empty(value) then
      return false
    end
  end
  return true
end

local spec = obj.spec or {}
local status = obj.status or {}
local sync = status.sync or {}
local operation = status.operationState or {}
local health = (status.health or {}).status

local function suspended()
  local automated = (spec.syncPolicy or {}).automated
  return automated == nil or automated.enabled == false
end

-- Whether `other` speaks of the sources that the spec has now: `sources` where there are several, else `source`.
local function has_sources_of_spec(other)
  if other == nil then
    return false
  end
  if not empty(spec.sources) then
    return equal(spec.sources, other.sources)
  end
  return equal(spec.source, other.source)
end

local function applied()
  local dry_run = ((operation.operation or {}).sync or {}).dryRun
  return operation.phase == "Succeeded" and not dry_run and has_sources_of_spec(operation.syncResult)
end

local function in_sync()
  return sync.status == "Synced" and has_sources_of_spec(sync.comparedTo)
end

-- An operation that ended before it had a result is about the sources that it was started with, or else those of the spec.
local function failed()
  if operation.phase ~= "Failed" and operation.phase ~= "Error" then
    return false
  end
  local about = operation.syncResult or (operation.operation or {}).sync
  if about == nil or (empty(about.source) and empty(about.sources)) then
    return true
  end
  return has_sources_of_spec(about)
end

local synced = applied() or in_sync()

if suspended() then
  return { status = "Healthy", message = "automated sync is off" }
end
if synced and not empty(health) and health ~= "Progressing" and health ~= "Missing" then
  return { status = "Healthy", message = "synced; its resources are " .. health }
end
if failed() then
  return { status = "Degraded", message = operation.message or "the sync failed" }
end
if synced then
  return { status = "Progressing", message = "synced; its resources are " .. (health or "not looked at yet") }
end
if empty(operation.phase) then
  return { status = "Progressing", message = "not synced yet" }
end
return { status = "Progressing", message = "not synced with its present sources; last sync: " .. operation.phase }
