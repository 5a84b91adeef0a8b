-- For QUEUE_JOBS_PER_USER: refuses what would give a user more jobs than that, tasks of an array counted one by one, with the words
-- and the code of a site's MaxSubmitJobs, which only slurmdbd could keep.
local limit = @LIMIT@

local function tasks(array)
  if array == nil or array == "" then return 1 end
  local count = 0
  for part in string.gmatch(string.gsub(array, "%%.*", ""), "[^,]+") do
    local first, last, step = string.match(part, "^(%d+)-(%d+):?(%d*)$")
    if first == nil then count = count + 1
    else count = count + math.floor((last - first) / (tonumber(step) or 1)) + 1 end
  end
  return count
end

-- By user: how many jobs there are once what was taken last is seen, and when it was taken.
local taken = {}

function slurm_job_submit(request, partitions, uid)
  local count = 0
  for _, job in pairs(slurm.jobs) do
    -- 0 pending, 1 running, 2 suspended; higher bits are flags of these.
    if job.user_id == uid and job.job_state % 256 <= 2 then
      -- Those of an array that wait are one job.
      count = count + math.max(job.array_task_cnt or 1, 1)
    end
  end
  -- slurm.jobs is read anew once a second, so it may miss what has just been taken.
  local last = taken[uid]
  if last ~= nil and os.time() - last.second <= 2 then count = math.max(count, last.count) end
  count = count + tasks(request.array_inx)
  if count > limit then return slurm.ESLURM_ACCOUNTING_POLICY end
  taken[uid] = { count = count, second = os.time() }
  return slurm.SUCCESS
end

function slurm_job_modify() return slurm.SUCCESS end
return slurm.SUCCESS
