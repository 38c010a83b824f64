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

--- Days of a month.
function dates.days_in(year, month)
  return dates.days_of(month == 12 and year + 1 or year, month % 12 + 1, 1) - dates.days_of(year, month, 1)
end

--- Whether there is such a day.
function dates.exists(year, month, day)
  return month >= 1 and month <= 12 and day >= 1 and day <= dates.days_in(year, month)
end

return dates
