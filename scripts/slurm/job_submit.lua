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

function slurm_job_submit(request, partitions, uid)
  local count = tasks(request.array_inx)
  for _, job in pairs(slurm.jobs) do
    -- 0 pending, 1 running, 2 suspended; higher bits are flags of these.
    if job.user_id == uid and job.job_state % 256 <= 2 then
      -- Those of an array that wait are one job.
      count = count + math.max(job.array_task_cnt or 1, 1)
    end
  end
  if count > limit then return slurm.ESLURM_ACCOUNTING_POLICY end
  return slurm.SUCCESS
end

function slurm_job_modify() return slurm.SUCCESS end
return slurm.SUCCESS
