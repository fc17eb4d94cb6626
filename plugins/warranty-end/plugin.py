"""The end of the warranty, from the week of manufacture that some makers write into their serial numbers.

Nothing is asked of a maker: where a serial number holds no week, or the pattern for its maker is wrong, no date comes
of it. A pattern has a letter for each character of the serial number: `Y` a digit of the year, `W` a digit of the
week, anything else any character. The serial number may be longer than its pattern.
"""

from datetime import date, datetime, timedelta, timezone

from componentize_py_types import Err
from wit_world.imports import log, settings
from wit_world.imports.types import (
    Change_Leave,
    Change_Set,
    Description,
    FieldAnswer,
    Setting,
    Value_Text,
    Value_Time,
    Value_Whole,
)


class WitWorld:
    def describe(self):
        return Description(
            summary="The end of the warranty, from the week of manufacture in a serial number",
            properties=["enrolledDateTime", "manufacturer", "serialNumber"],
            settings=[
                Setting("years", "how long the warranty is", True),
                Setting("patterns", "a table: how the manufacturer's name begins = its pattern", True),
                Setting("delay_weeks", "weeks from manufacture to sale", False),
            ],
        )

    def transform(self, device, field, value):
        years = whole("years")
        if years is None or not 1 <= years <= 20:
            raise Err("the setting `years` must be a whole number from 1 to 20")
        maker, serial = device.get("manufacturer"), device.get("serialNumber")
        if maker is None or serial is None:
            return leave(None)
        pattern = pattern_of(maker.value)
        if pattern is None:
            return leave(f"no pattern for {maker.value}")
        enrolled = device.get("enrolledDateTime")
        latest = moment(enrolled.value).year if enrolled is not None else None
        made = week_of_manufacture(serial.value, pattern, latest)
        if made is None:
            log.write(log.Level.WARN, f"{serial.value} does not hold a week as {pattern} says")
            return leave(f"no week of manufacture in {serial.value}")
        sold = made + timedelta(weeks=whole("delay_weeks") or 0)
        end = years_later(sold, years)
        return FieldAnswer(Change_Set(time(end)), f"made in week {made:%G-W%V}, {years} years")


def leave(reason):
    return FieldAnswer(Change_Leave(), reason)


def whole(name):
    value = settings.get(name)
    if value is not None and not isinstance(value, Value_Whole):
        raise Err(f"the setting `{name}` must be a whole number")
    return value.value if value is not None else None


def pattern_of(maker):
    """The pattern of the longest name that the maker's begins with. Upper and lower case are one."""
    fitting = [
        (name, value) for name, value in settings.table("patterns") if maker.lower().startswith(name.lower())
    ]
    if not fitting:
        return None
    name, value = max(fitting, key=lambda entry: len(entry[0]))
    years = value.value.count("Y") if isinstance(value, Value_Text) else 0
    if years not in (1, 2, 4) or value.value.count("W") != 2:
        raise Err(f"`patterns.{name}` must be a text with `Y`, `YY` or `YYYY` and `WW`")
    return value.value


def week_of_manufacture(serial, pattern, latest):
    """The Monday of that week. A year of one or two digits is the last one that is not after `latest`."""
    if len(serial) < len(pattern):
        return None
    digits = {"Y": "", "W": ""}
    for letter, character in zip(pattern, serial):
        if letter in digits:
            digits[letter] += character
    if not all(text.isascii() and text.isdigit() for text in digits.values()):
        return None
    year, week, span = int(digits["Y"]), int(digits["W"]), 10 ** len(digits["Y"])
    if span < 10000:
        if latest is None:
            return None
        year = latest - (latest - year) % span
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def years_later(day, years):
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # The 29th of February, in a year without one.
        return day.replace(year=day.year + years, day=28)


def moment(milliseconds):
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)


def time(day):
    since = datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)
    return Value_Time(since.days * 86_400_000)
