-- For tests only: asks the name server of the play instead of the machine's, and says in the log how each stream between
-- servers came to be.
module:set_global();

local address = module:get_option_string("peers_dns_address");
local port = module:get_option_number("peers_dns_port");

-- The resolver in Lua, even where the bindings of libunbound are installed: that one will not ask loopback addresses.
local adns = require "net.adns";
package.loaded["net.adns"], package.preload["net.adns"] = nil, nil;
local plain = require "net.adns";
adns.resolver, adns.lookup = plain.resolver, plain.lookup;

local methods = getmetatable(require "net.dns".resolver()).__index;

-- It waits up to a second before each question, to spare name servers that are far away.
methods.jitter, methods.retry_jitter = false, false;

function methods:adddefaultnameservers()
	self:addnameserver(address);
end

local set_wrapper = methods.socket_wrapper_set;
function methods:socket_wrapper_set(wrap)
	return set_wrapper(self, function (socket, resolver)
		local handler, err = wrap(socket, resolver);
		if not handler then return nil, err; end
		local setpeername = handler.setpeername;
		function handler:setpeername(peer)
			return setpeername(self, peer, port);
		end
		return handler;
	end);
end

local function say(session, what)
	local out = session.direction == "outgoing";
	local here = out and session.from_host or session.to_host;
	local there = out and session.to_host or session.from_host;
	module:log("info", "peers: %s %s %s %s", what, out and "out" or "in", here or "-", there or "-");
end

module:hook("s2s-created", function (event)
	event.session.peers_direct = event.session.secure == true;
end);

local function established(event)
	local session = event.session;
	if session.secure then say(session, "tls"); end
	if session.peers_direct then say(session, "direct"); end
	if session.peers_mechanism then say(session, session.peers_mechanism); end
	if session.direction == "outgoing" and session.incoming then say(session, "bidi"); end
	if session.direction == "incoming" and session.outgoing then say(session, "bidi"); end
	say(session, "open");
end
module:hook("s2sin-established", established);
module:hook("s2sout-established", established);

function module.add_host(module)
	module:hook("s2s-authenticated", function (event)
		event.session.peers_mechanism = event.mechanism;
	end, 1000);
	module:hook_tag("urn:xmpp:sm:3", "enabled", function (session)
		if session.direction then say(session, "sm"); end
	end, 1000);
	module:hook_tag("urn:xmpp:sm:3", "enable", function (session)
		if session.direction then say(session, "sm"); end
	end, 1000);
end
