/* SPDX-License-Identifier: Apache-2.0
 * Every factor is exact: a decimal in the unit's definition is written as a fraction of integers.
 */
#include "core/model/unit.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"

#define SAME                                                                                       \
    {                                                                                              \
        1, 1, 0, 1                                                                                 \
    }
#define TIMES(num, den)                                                                            \
    {                                                                                              \
        num, den, 0, 1                                                                             \
    }

static const struct lintel_unit units[] = {
    /* RFC 8428 section 12.1. Those that it calls derived ("not recommended") lead to their base
     * unit. */
    {"m", "m", SAME, "metre"},
    {"kg", "kg", SAME, "kilogram"},
    {"g", "kg", TIMES(1, 1000), "gram"},
    {"s", "s", SAME, "second"},
    {"A", "A", SAME, "ampere"},
    {"K", "K", SAME, "kelvin"},
    {"cd", "cd", SAME, "candela"},
    {"mol", "mol", SAME, "mole"},
    {"Hz", "Hz", SAME, "hertz"},
    {"rad", "rad", SAME, "radian"},
    {"sr", "sr", SAME, "steradian"},
    {"N", "N", SAME, "newton"},
    {"Pa", "Pa", SAME, "pascal"},
    {"J", "J", SAME, "joule"},
    {"W", "W", SAME, "watt"},
    {"C", "C", SAME, "coulomb"},
    {"V", "V", SAME, "volt"},
    {"F", "F", SAME, "farad"},
    {"Ohm", "Ohm", SAME, "ohm"},
    {"S", "S", SAME, "siemens"},
    {"Wb", "Wb", SAME, "weber"},
    {"T", "T", SAME, "tesla"},
    {"H", "H", SAME, "henry"},
    {"Cel", "Cel", SAME, "degree Celsius"},
    {"lm", "lm", SAME, "lumen"},
    {"lx", "lx", SAME, "lux"},
    {"Bq", "Bq", SAME, "becquerel"},
    {"Gy", "Gy", SAME, "gray"},
    {"Sv", "Sv", SAME, "sievert"},
    {"kat", "kat", SAME, "katal"},
    {"m2", "m2", SAME, "square metre"},
    {"m3", "m3", SAME, "cubic metre"},
    {"l", "m3", TIMES(1, 1000), "litre"},
    {"m/s", "m/s", SAME, "metre per second"},
    {"m/s2", "m/s2", SAME, "metre per second squared"},
    {"m3/s", "m3/s", SAME, "cubic metre per second"},
    {"l/s", "m3/s", TIMES(1, 1000), "litre per second"},
    {"W/m2", "W/m2", SAME, "watt per square metre"},
    {"cd/m2", "cd/m2", SAME, "candela per square metre"},
    {"bit", "bit", SAME, "bit"},
    {"bit/s", "bit/s", SAME, "bit per second"},
    {"lat", "lat", SAME, "degree of latitude"},
    {"lon", "lon", SAME, "degree of longitude"},
    {"pH", "pH", SAME, "pH value"},
    {"dB", "dB", SAME, "decibel"},
    {"dBW", "dBW", SAME, "decibel relative to 1 W"},
    {"Bspl", "Bspl", SAME, "bel of sound pressure level"},
    {"count", "count", SAME, "count"},
    {"/", "/", SAME, "ratio"},
    {"%", "/", TIMES(1, 100), "percent"},
    {"%RH", "%RH", SAME, "percent relative humidity"},
    {"%EL", "%EL", SAME, "percent of battery energy"},
    {"EL", "EL", SAME, "seconds of battery life"},
    {"1/s", "1/s", SAME, "per second"},
    {"1/min", "1/s", TIMES(1, 60), "per minute"},
    {"beat/min", "1/s", TIMES(1, 60), "heart beat per minute"},
    {"beats", "count", SAME, "heart beat"},
    {"S/m", "S/m", SAME, "siemens per metre"},
    /* RFC 8798 section 2: more primary ones. */
    {"B", "B", SAME, "byte"},
    {"VA", "VA", SAME, "volt ampere"},
    {"VAs", "VAs", SAME, "volt ampere second"},
    {"var", "var", SAME, "volt ampere reactive"},
    {"vars", "vars", SAME, "volt ampere reactive second"},
    {"J/m", "J/m", SAME, "joule per metre"},
    {"kg/m3", "kg/m3", SAME, "kilogram per cubic metre"},
    {"deg", "deg", SAME, "degree of angle"},
    /* RFC 8798 section 3: secondary units. */
    {"ms", "s", TIMES(1, 1000), "millisecond"},
    {"min", "s", TIMES(60, 1), "minute"},
    {"h", "s", TIMES(3600, 1), "hour"},
    {"MHz", "Hz", TIMES(1000000, 1), "megahertz"},
    {"kW", "W", TIMES(1000, 1), "kilowatt"},
    {"kVA", "VA", TIMES(1000, 1), "kilovolt ampere"},
    {"kvar", "var", TIMES(1000, 1), "kilovar"},
    {"Ah", "C", TIMES(3600, 1), "ampere hour"},
    {"Wh", "J", TIMES(3600, 1), "watt hour"},
    {"kWh", "J", TIMES(3600000, 1), "kilowatt hour"},
    {"varh", "vars", TIMES(3600, 1), "var hour"},
    {"kvarh", "vars", TIMES(3600000, 1), "kilovar hour"},
    {"kVAh", "VAs", TIMES(3600000, 1), "kilovolt ampere hour"},
    {"Wh/km", "J/m", TIMES(18, 5), "watt hour per kilometre"},
    {"KiB", "B", TIMES(1024, 1), "kibibyte"},
    {"GB", "B", TIMES(1000000000, 1), "gigabyte"},
    {"Mbit/s", "bit/s", TIMES(1000000, 1), "megabit per second"},
    {"B/s", "bit/s", TIMES(8, 1), "byte per second"},
    {"MB/s", "bit/s", TIMES(8000000, 1), "megabyte per second"},
    {"mV", "V", TIMES(1, 1000), "millivolt"},
    {"mA", "A", TIMES(1, 1000), "milliampere"},
    {"dBm", "dBW", {1, 1, -30, 1}, "decibel relative to 1 mW"},
    {"ug/m3", "kg/m3", TIMES(1, 1000000000), "microgram per cubic metre"},
    {"mm/h", "m/s", TIMES(1, 3600000), "millimetre per hour"},
    {"m/h", "m/s", TIMES(1, 3600), "metre per hour"},
    {"ppm", "/", TIMES(1, 1000000), "part per million"},
    {"/100", "/", TIMES(1, 100), "hundredth"},
    {"/1000", "/", TIMES(1, 1000), "thousandth"},
    {"hPa", "Pa", TIMES(100, 1), "hectopascal"},
    {"mm", "m", TIMES(1, 1000), "millimetre"},
    {"cm", "m", TIMES(1, 100), "centimetre"},
    {"km", "m", TIMES(1000, 1), "kilometre"},
    {"km/h", "m/s", TIMES(5, 18), "kilometre per hour"},
    /* In no registry: what devices in buildings say. Thermal units are those of the International
     * Steam Table (1 kcal = 4186.8 J, 1 BTU = 1055.05585262 J); gallons are American. */
    {"degF", "Cel", {5, 9, -160, 9}, "degree Fahrenheit"},
    {"us", "s", TIMES(1, 1000000), "microsecond"},
    {"d", "s", TIMES(86400, 1), "day"},
    {"kHz", "Hz", TIMES(1000, 1), "kilohertz"},
    {"GHz", "Hz", TIMES(1000000000, 1), "gigahertz"},
    {"rpm", "1/s", TIMES(1, 60), "revolution per minute"},
    {"1/h", "1/s", TIMES(1, 3600), "per hour"},
    {"kPa", "Pa", TIMES(1000, 1), "kilopascal"},
    {"MPa", "Pa", TIMES(1000000, 1), "megapascal"},
    {"bar", "Pa", TIMES(100000, 1), "bar"},
    {"mbar", "Pa", TIMES(100, 1), "millibar"},
    {"psi", "Pa", TIMES(8896443230521, 1290320000), "pound per square inch"},
    {"inH2O", "Pa", TIMES(24908891, 100000), "inch of water"},
    {"mmH2O", "Pa", TIMES(196133, 20000), "millimetre of water"},
    {"inHg", "Pa", TIMES(3386388640341, 1000000000), "inch of mercury"},
    {"mmHg", "Pa", TIMES(133322387415, 1000000000), "millimetre of mercury"},
    {"uA", "A", TIMES(1, 1000000), "microampere"},
    {"kA", "A", TIMES(1000, 1), "kiloampere"},
    {"kV", "V", TIMES(1000, 1), "kilovolt"},
    {"uV", "V", TIMES(1, 1000000), "microvolt"},
    {"mOhm", "Ohm", TIMES(1, 1000), "milliohm"},
    {"kOhm", "Ohm", TIMES(1000, 1), "kiloohm"},
    {"MOhm", "Ohm", TIMES(1000000, 1), "megaohm"},
    {"mAh", "C", TIMES(18, 5), "milliampere hour"},
    {"mW", "W", TIMES(1, 1000), "milliwatt"},
    {"MW", "W", TIMES(1000000, 1), "megawatt"},
    {"GW", "W", TIMES(1000000000, 1), "gigawatt"},
    {"MVA", "VA", TIMES(1000000, 1), "megavolt ampere"},
    {"Mvar", "var", TIMES(1000000, 1), "megavar"},
    {"BTU/h", "W", TIMES(52752792631, 180000000000), "British thermal unit per hour"},
    {"TR", "W", TIMES(52752792631, 15000000), "ton of refrigeration"},
    {"kcal/h", "W", TIMES(1163, 1000), "kilocalorie per hour"},
    {"kJ", "J", TIMES(1000, 1), "kilojoule"},
    {"MJ", "J", TIMES(1000000, 1), "megajoule"},
    {"GJ", "J", TIMES(1000000000, 1), "gigajoule"},
    {"Ws", "J", SAME, "watt second"},
    {"MWh", "J", TIMES(3600000000, 1), "megawatt hour"},
    {"GWh", "J", TIMES(3600000000000, 1), "gigawatt hour"},
    {"cal", "J", TIMES(20934, 5000), "calorie"},
    {"kcal", "J", TIMES(20934, 5), "kilocalorie"},
    {"Mcal", "J", TIMES(4186800, 1), "megacalorie"},
    {"BTU", "J", TIMES(52752792631, 50000000), "British thermal unit"},
    {"VAh", "VAs", TIMES(3600, 1), "volt ampere hour"},
    {"MVAh", "VAs", TIMES(3600000000, 1), "megavolt ampere hour"},
    {"Mvarh", "vars", TIMES(3600000000, 1), "megavar hour"},
    {"ml", "m3", TIMES(1, 1000000), "millilitre"},
    {"hl", "m3", TIMES(1, 10), "hectolitre"},
    {"ft3", "m3", TIMES(55306341, 1953125000), "cubic foot"},
    {"gal", "m3", TIMES(473176473, 125000000000), "gallon"},
    {"ml/s", "m3/s", TIMES(1, 1000000), "millilitre per second"},
    {"l/min", "m3/s", TIMES(1, 60000), "litre per minute"},
    {"l/h", "m3/s", TIMES(1, 3600000), "litre per hour"},
    {"m3/min", "m3/s", TIMES(1, 60), "cubic metre per minute"},
    {"m3/h", "m3/s", TIMES(1, 3600), "cubic metre per hour"},
    {"ft3/min", "m3/s", TIMES(18435447, 39062500000), "cubic foot per minute"},
    {"gal/min", "m3/s", TIMES(157725491, 2500000000000), "gallon per minute"},
    {"kg/s", "kg/s", SAME, "kilogram per second"},
    {"kg/h", "kg/s", TIMES(1, 3600), "kilogram per hour"},
    {"t/h", "kg/s", TIMES(5, 18), "tonne per hour"},
    {"mg", "kg", TIMES(1, 1000000), "milligram"},
    {"t", "kg", TIMES(1000, 1), "tonne"},
    {"lb", "kg", TIMES(45359237, 100000000), "pound"},
    {"um", "m", TIMES(1, 1000000), "micrometre"},
    {"in", "m", TIMES(127, 5000), "inch"},
    {"ft", "m", TIMES(381, 1250), "foot"},
    {"ft2", "m2", TIMES(145161, 1562500), "square foot"},
    {"mm/s", "m/s", TIMES(1, 1000), "millimetre per second"},
    {"ft/min", "m/s", TIMES(127, 25000), "foot per minute"},
    {"kW/m2", "W/m2", TIMES(1000, 1), "kilowatt per square metre"},
    {"klx", "lx", TIMES(1000, 1), "kilolux"},
    {"g/m3", "kg/m3", TIMES(1, 1000), "gram per cubic metre"},
    {"mg/m3", "kg/m3", TIMES(1, 1000000), "milligram per cubic metre"},
    {"g/l", "kg/m3", SAME, "gram per litre"},
    {"mg/l", "kg/m3", TIMES(1, 1000), "milligram per litre"},
    {"ug/l", "kg/m3", TIMES(1, 1000000), "microgram per litre"},
    {"g/kg", "/", TIMES(1, 1000), "gram per kilogram"},
    {"ppb", "/", TIMES(1, 1000000000), "part per billion"},
    {"J/kg", "J/kg", SAME, "joule per kilogram"},
    {"kJ/kg", "J/kg", TIMES(1000, 1), "kilojoule per kilogram"},
    {"Bq/m3", "Bq/m3", SAME, "becquerel per cubic metre"},
    {"NTU", "NTU", SAME, "nephelometric turbidity unit"},
    {"uS/cm", "S/m", TIMES(1, 10000), "microsiemens per centimetre"},
    {"mS/cm", "S/m", TIMES(1, 10), "millisiemens per centimetre"},
    {"kbit/s", "bit/s", TIMES(1000, 1), "kilobit per second"},
    {"kB", "B", TIMES(1000, 1), "kilobyte"},
    {"MB", "B", TIMES(1000000, 1), "megabyte"},
    {"MiB", "B", TIMES(1048576, 1), "mebibyte"},
};

/* Registered primary units that measure the same as another one. */
static const struct lintel_unit bridges[] = {
    {"K", "Cel", {1, 1, -27315, 100}, NULL},
    {"B", "bit", TIMES(8, 1), NULL},
};

/* What people write, by its proper symbol. */
static const struct {
    const char *written, *symbol;
} habits[] = {
    {"C", "Cel"},
    {"\u00b0C", "Cel"},
    {"\u2103", "Cel"},
    {"degC", "Cel"},
    {"celsius", "Cel"},
    {"\u00b0F", "degF"},
    {"\u2109", "degF"},
    {"fahrenheit", "degF"},
    {"deg C", "Cel"},
    {"deg F", "degF"},
    {"\u00b0", "deg"},
    {"degrees", "deg"},
    {"percent", "%"},
    {"pct", "%"},
    {"rh", "%RH"},
    {"%rh", "%RH"},
    {"% RH", "%RH"},
    {"\u03a9", "Ohm"},
    {"sec", "s"},
    {"seconds", "s"},
    {"minutes", "min"},
    {"hours", "h"},
    {"hr", "h"},
    {"days", "d"},
    {"m\u00b3", "m3"},
    {"m\u00b2", "m2"},
    {"m^3", "m3"},
    {"m^2", "m2"},
    {"m\u00b3/h", "m3/h"},
    {"m^3/h", "m3/h"},
    {"cfm", "ft3/min"},
    {"gpm", "gal/min"},
    {"lpm", "l/min"},
    {"volts", "V"},
    {"amps", "A"},
    {"amp", "A"},
    {"lux", "lx"},
    {"\u00b5g/m\u00b3", "ug/m3"},
    {"\u03bcg/m\u00b3", "ug/m3"},
    {"w/m\u00b2", "W/m2"},
    {"liter", "l"},
    {"watts", "W"},
    {"bpm", "beat/min"},
    {"m\u00b3/s", "m3/s"},
    {"inwc", "inH2O"},
    {"ton", "TR"},
    {"kVArh", "kvarh"},
};

const struct lintel_unit *
lintel_unit_at(uint32_t i)
{
    return i < LINTEL_COUNT(units) ? &units[i] : NULL;
}

const struct lintel_unit *
lintel_unit_find(const char *symbol)
{
    for (size_t i = 0; i < LINTEL_COUNT(units); i++)
        if (strcmp(units[i].symbol, symbol) == 0)
            return &units[i];
    return NULL;
}

const char *
lintel_unit_nearest(const char *symbol)
{
    for (size_t i = 0; i < LINTEL_COUNT(habits); i++)
        if (strcasecmp(habits[i].written, symbol) == 0)
            return habits[i].symbol;
    for (size_t i = 0; i < LINTEL_COUNT(units); i++)
        if (strcasecmp(units[i].symbol, symbol) == 0 || strcasecmp(units[i].name, symbol) == 0)
            return units[i].symbol;
    /* One wrong letter; more would guess among symbols this short. */
    if (strlen(symbol) < 3)
        return NULL;
    for (size_t i = 0; i < LINTEL_COUNT(units); i++)
        if (strlen(units[i].symbol) > 1 && lintel_distance(symbol, units[i].symbol, 1) <= 1)
            return units[i].symbol;
    for (size_t i = 0; i < LINTEL_COUNT(units); i++)
        if (lintel_distance(symbol, units[i].name, 2) <= 2)
            return units[i].symbol;
    return NULL;
}

/* Fractions: den > 0, reduced. A result that does not fit 53 bits is not exact: ok is 0. */
struct fraction {
    int64_t num, den;
    int ok;
};

enum { EXACT_BITS = 53 };
static const int64_t most = (int64_t)1 << EXACT_BITS;

static int64_t
gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static struct fraction
fraction(int64_t num, int64_t den)
{
    int64_t common = gcd(num, den);
    return (struct fraction){num / common, den / common, 1};
}

static int
product_fits(int64_t a, int64_t b)
{
    return a == 0 || (b < 0 ? -b : b) <= most / (a < 0 ? -a : a);
}

static struct fraction
times(struct fraction a, struct fraction b)
{
    struct fraction left = fraction(a.num, b.den), right = fraction(b.num, a.den);
    if (!a.ok || !b.ok || !product_fits(left.num, right.num) || !product_fits(left.den, right.den))
        return (struct fraction){0, 1, 0};
    return (struct fraction){left.num * right.num, left.den * right.den, 1};
}

static struct fraction
inverse(struct fraction a)
{
    return (struct fraction){a.num < 0 ? -a.den : a.den, a.num < 0 ? -a.num : a.num, a.ok};
}

static struct fraction
plus(struct fraction a, struct fraction b)
{
    if (!a.ok || !b.ok)
        return (struct fraction){0, 1, 0};
    int64_t common = gcd(a.den, b.den), scale = b.den / common;
    if (!product_fits(a.num, scale) || !product_fits(b.num, a.den / common) ||
        !product_fits(a.den, scale))
        return (struct fraction){0, 1, 0};
    int64_t num = a.num * scale + b.num * (a.den / common);
    if (num > most || num < -most)
        return (struct fraction){0, 1, 0};
    return fraction(num, a.den * scale);
}

static double
real(struct fraction f)
{
    return (double)f.num / (double)f.den;
}

/* The nearest fraction of a double whose numerator and denominator fit: off by less than one part
 * in 2^51. */
static struct fraction
nearest(double value)
{
    int exponent;
    if (value == 0)
        return fraction(0, 1);
    if (fabs(value) < 1)
        return inverse(nearest(1 / value));
    (void)frexp(value, &exponent);
    int shift = exponent < EXACT_BITS ? EXACT_BITS - 1 - exponent : 0;
    return fraction((int64_t)rint(ldexp(value, shift)), (int64_t)1 << shift);
}

/* value of the unit in its primary one, and past a bridge */
struct line {
    const char *primary;
    struct fraction factor, offset;
};

static struct line
line_of(const struct lintel_unit *u)
{
    const struct lintel_linear *l = &u->to_primary;
    struct line line = {u->primary, fraction(l->num, l->den),
                        fraction(l->offset_num, l->offset_den)};
    for (size_t i = 0; i < LINTEL_COUNT(bridges); i++) {
        if (strcmp(bridges[i].symbol, line.primary) != 0)
            continue;
        l = &bridges[i].to_primary;
        struct fraction factor = fraction(l->num, l->den);
        line.primary = bridges[i].primary;
        line.factor = times(line.factor, factor);
        line.offset = plus(times(line.offset, factor), fraction(l->offset_num, l->offset_den));
    }
    return line;
}

int
lintel_unit_convert(const struct lintel_unit *from, const struct lintel_unit *to,
                    struct lintel_linear *ret)
{
    struct line a = line_of(from), b = line_of(to);
    if (strcmp(a.primary, b.primary) != 0)
        return -1;
    struct fraction minus = {-b.offset.num, b.offset.den, 1};
    struct fraction factor = times(a.factor, inverse(b.factor));
    struct fraction offset = times(plus(a.offset, minus), inverse(b.factor));
    if (!factor.ok)
        factor = nearest(real(a.factor) / real(b.factor));
    if (!offset.ok)
        offset = nearest((real(a.offset) - real(b.offset)) / real(b.factor));
    *ret = (struct lintel_linear){factor.num, factor.den, offset.num, offset.den};
    return 0;
}
