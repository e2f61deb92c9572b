// SPDX-License-Identifier: Apache-2.0
/*
 * A lap of Lua: calls, closures, tables with integers and with strings as keys,
 * metatables, strings, sorting and floating point. The argument is how many
 * rounds. It prints what came of them, which is the same everywhere.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lap.h"
#include "lauxlib.h"
#include "lualib.h"

static const char script[] =
	"local seed = 42\n"
	"local function random(n)\n"
	"  seed = (seed * 1103515245 + 12345) & 0x7fffffff\n"
	"  return seed % n\n"
	"end\n"
	"\n"
	"local function fib(n)\n"
	"  return n < 2 and n or fib(n - 1) + fib(n - 2)\n"
	"end\n"
	"\n"
	"local function primes(n)\n"
	"  local composite, found = {}, 0\n"
	"  for i = 2, n do\n"
	"    if not composite[i] then\n"
	"      found = found + 1\n"
	"      for k = i * i, n, i do composite[k] = true end\n"
	"    end\n"
	"  end\n"
	"  return found\n"
	"end\n"
	"\n"
	"local function words(n)\n"
	"  local count, list = {}, {}\n"
	"  for i = 1, n do\n"
	"    local word = ('w%03d'):format(random(200)):upper()\n"
	"    count[word] = (count[word] or 0) + 1\n"
	"  end\n"
	"  for word in pairs(count) do list[#list + 1] = word end\n"
	"  table.sort(list, function(a, b)\n"
	"    return count[a] > count[b] or count[a] == count[b] and a < b\n"
	"  end)\n"
	"  local text = table.concat(list, ' ')\n"
	"  return #text:gsub('%d+', function(d) return d + 1 end)\n"
	"end\n"
	"\n"
	"local vector = {}\n"
	"vector.__index = vector\n"
	"vector.__add = function(a, b)\n"
	"  return setmetatable({x = a.x + b.x, y = a.y + b.y}, vector)\n"
	"end\n"
	"function vector:scaled(by)\n"
	"  return setmetatable({x = self.x * by, y = self.y * by}, vector)\n"
	"end\n"
	"\n"
	"local function orbit(n)\n"
	"  local place = setmetatable({x = 1.0, y = 0.0}, vector)\n"
	"  local speed = setmetatable({x = 0.0, y = 1.0}, vector)\n"
	"  for i = 1, n do\n"
	"    local r = math.sqrt(place.x * place.x + place.y * place.y)\n"
	"    speed = speed + place:scaled(-0.01 / (r * r * r))\n"
	"    place = place + speed:scaled(0.01)\n"
	"  end\n"
	"  return math.floor(place.x * 1e6)\n"
	"end\n"
	"\n"
	"local told\n"
	"for round = 1, ... do\n"
	"  told = table.concat({fib(16), primes(2000), words(500), orbit(500)}, ' ')\n"
	"end\n"
	"return told\n";

static const luaL_Reg libraries[] = {
	{ LUA_GNAME, luaopen_base },
	{ LUA_TABLIBNAME, luaopen_table },
	{ LUA_STRLIBNAME, luaopen_string },
	{ LUA_MATHLIBNAME, luaopen_math },
};

int main(int argc, char *argv[])
{
	lua_State *lua = luaL_newstate();
	size_t n = 0;

	if (!lua)
		return 1;
	for (n = 0; n < sizeof(libraries) / sizeof(libraries[0]); n++) {
		luaL_requiref(lua, libraries[n].name, libraries[n].func, 1);
		lua_pop(lua, 1);
	}

	lap_begin();
	if (luaL_loadstring(lua, script))
		return 1;
	lua_pushinteger(lua, argc > 1 ? atoi(argv[1]) : 1);
	lua_call(lua, 1, 1);
	lap_end();

	printf("lua %s\n", lua_tostring(lua, -1));
	lap_print();
	lua_close(lua);
	return 0;
}
