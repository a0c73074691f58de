echo 'bootwright-step: ansible-playbook site.yml'
(cd /bootwright-build/configure/1; ansible-playbook --connection local --inventory localhost, 'site.yml') </dev/null
echo 'bootwright-step: sh it'\''s.sh'
(cd /bootwright-build/configure/2; sh -eu 'it'\''s.sh') </dev/null
