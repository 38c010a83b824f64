-- Days and dates of the Gregorian calendar, reckoned by eras of 400 years.
local dates = {}

--- Days since 1970 of a date.
function dates.days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

return dates
